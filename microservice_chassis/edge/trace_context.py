"""The trace that a request belongs to, as its `traceparent` tells (W3C Trace Context, level 1)."""

from __future__ import annotations

import re
from typing import NamedTuple

from microservice_chassis.edge.asgi import Headers

# Section 3.2; a later version may have more behind it (section 3.2.4).
_TRACEPARENT = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})"
    rb"-(?!0{16})(?P<parent>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)


class TraceContext(NamedTuple):
    """The trace of a request, and the span of the client within which it is asked.

    The ids are in hex; `sampled` says whether the client may have recorded its span.
    """

    trace_id: str
    parent_id: str
    sampled: bool


def trace_context(headers: Headers) -> TraceContext | None:
    """Return what a request says of its trace, or None if that is nothing or malformed."""
    values = [value for name, value in headers if name == b"traceparent"]
    if len(values) != 1:
        return None
    found = _TRACEPARENT.fullmatch(values[0].strip(b" \t"))
    if found is None or (found["version"] == b"00" and found["more"] is not None):
        return None
    sampled = bool(int(found["flags"], 16) & 1)
    return TraceContext(found["trace"].decode(), found["parent"].decode(), sampled)
