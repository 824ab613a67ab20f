"""The problem document: how every error is told to a client (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"


# The type of a problem of which the status says it all.
ABOUT_BLANK = "about:blank"


def document(
    status: int,
    detail: str,
    errors: Sequence[Mapping[str, str]] | None = None,
    type_: str = ABOUT_BLANK,
) -> dict[str, Any]:
    """Return a problem document (RFC 9457, section 3)."""
    problem: dict[str, Any] = {
        "type": type_,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        problem["errors"] = errors
    return problem
