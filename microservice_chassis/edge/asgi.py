"""The types of ASGI 3.0, as the layers of the edge use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Names in lower case, and values, in the order in which they came or go.
Headers = Iterable[tuple[bytes, bytes]]


def header(headers: Headers, name: bytes) -> bytes | None:
    """Return the value of a header; over several lines it is one list (RFC 9110, section 5.3)."""
    values = [value for each, value in headers if each == name]
    return b", ".join(values) if values else None
