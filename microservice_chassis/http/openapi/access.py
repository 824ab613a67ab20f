"""Who may do what, as the API document tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

SCHEMES: Mapping[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key (RFC 6750)."},
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "A key as the password, for programs that cannot send a bearer (RFC 7617).",
    },
}

# The statuses of the problems that a request can end with for its key.
OF_KEYS = (401, 403)

_READS = ("GET", "HEAD", "OPTIONS")


class Access(NamedTuple):
    """Whether keys are needed, and whether everybody may read."""

    keys: bool = False
    public_read: bool = False

    def requirements(self, method: str, *, is_open: bool) -> Sequence[Any]:
        """Return what a request must have, one of these (OpenAPI, "Security Requirement Object").

        `is_open` is of a resource that needs no key.
        """
        if is_open or not self.keys:
            return []
        anybody: list[Any] = [{}] if self.public_read and method in _READS else []
        return [*({scheme: []} for scheme in SCHEMES), *anybody]
