"""The head of a request: what it must be before an application sees it, and what it announces.

The parser has read its syntax; these are the rules that a parser leaves to the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from microservice_chassis.process.refusal import Refusal

LIMIT_BYTES = 64 * 1024
LIMIT_FIELDS = 100

# Of a body of which only its end tells how long it is.
UNKNOWN_LENGTH = 1 << 62

# A name, an address of IPv4 or a literal one of IPv6, and a port (RFC 3986, section 3.2);
# nothing at all where the target has no authority (RFC 9110, section 7.2).
_HOST = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
)


_TARGETS = (b"/", b"http://", b"https://")


class Framing(NamedTuple):
    """How the body of a request comes."""

    length: int  # or UNKNOWN_LENGTH, where it is chunked
    awaited: bool  # the client sends it only once it is told to continue

    @property
    def field(self) -> bytes:
        """The field that frames a body like this one."""
        if self.length == UNKNOWN_LENGTH:
            return b"Transfer-Encoding: chunked"
        return b"Content-Length: %d" % self.length


def check_start(method: bytes, target: bytes, version: str) -> None:
    """Check the first line of a request.

    Raises:
        Refusal: 400 for another version than HTTP/1.1 and 1.0,
            and for a target that names no resource (RFC 9112, section 3.2).
    """
    if version not in ("1.1", "1.0"):
        raise Refusal(400, "The version must be HTTP/1.1, or HTTP/1.0.")
    if method == b"CONNECT" or not target.startswith(_TARGETS):
        raise Refusal(400, "The request target must be a path, or a URL with http or https.")


def check_fields(version: str, fields: Iterable[tuple[bytes, bytes]]) -> Framing | None:
    """Return how the body of a request is framed, or None where it has none.

    Names are in lower case; that a Content-Length is one number, and not beside
    a Transfer-Encoding, the parser has seen to.

    Raises:
        Refusal: 400 for a Host that is missing, doubled or malformed (RFC 9112, section 3.2),
            501 for a transfer coding other than chunked (RFC 9112, section 6.1),
            417 for an expectation other than 100-continue (RFC 9110, section 10.1.1).
    """
    host: bytes | None = None
    length = 0
    awaited = False
    for name, value in fields:
        if name == b"host":
            if host is not None:
                raise Refusal(400, "The request must have one Host, not several.")
            host = value.rstrip(b" \t")
        elif name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            _check_coding(version, value)
            length = UNKNOWN_LENGTH
        elif name == b"expect":
            _check_expectation(value)
            # NOTE: HTTP/1.0 has no interim responses, so the expectation is ignored there.
            awaited = version != "1.0"
    if host is None:
        if version != "1.0":
            raise Refusal(400, "The request must have a Host.")
    elif not _HOST.fullmatch(host):
        raise Refusal(400, "The Host must be a name or an address, with or without a port.")
    return Framing(length, awaited) if length else None


def _check_coding(version: str, value: bytes) -> None:
    if value.strip().lower() != b"chunked":
        raise Refusal(501, "The only Transfer-Encoding that is understood is chunked.")
    if version == "1.0":
        raise Refusal(400, "HTTP/1.0 has no Transfer-Encoding; use HTTP/1.1.")


def _check_expectation(value: bytes) -> None:
    if value.strip().lower() != b"100-continue":
        raise Refusal(417, "The only expectation that can be met is 100-continue.")
