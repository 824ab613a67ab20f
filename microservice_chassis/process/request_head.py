"""The head of a request: what it must be before an application sees it, and what it announces.

The parser has read its syntax; these are the rules that a parser leaves to the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from microservice_chassis.process.refusal import Refusal

LIMIT_BYTES = 64 * 1024
LIMIT_FIELDS = 100

# Of a body of which only its end tells how long it is.
UNKNOWN_LENGTH = 1 << 62

# A name, an address of IPv4 or a literal one of IPv6, and a port (RFC 3986, section 3.2);
# nothing at all where the target has no authority (RFC 9110, section 7.2).
_NAME = rb"[A-Za-z0-9._~!$&'()*+,;=-]*"
_HOST = re.compile(
    rb"(?:%s(?:%%[0-9A-Fa-f]{2}%s)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?" % (_NAME, _NAME)
)

_CHECKED = frozenset((b"host", b"content-length", b"transfer-encoding", b"expect"))

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


def too_large() -> Refusal:
    """Return what is answered to a header, or trailer, that is too large."""
    return Refusal(431, f"A header may have up to {LIMIT_FIELDS} fields and {LIMIT_BYTES} bytes.")


def check_size(fields: Sequence[tuple[bytes, bytes]]) -> None:
    """Raise a Refusal of a header over LIMIT_BYTES or LIMIT_FIELDS (RFC 6585, section 5)."""
    size = sum(len(name) + len(value) + len(b": \r\n") for name, value in fields)
    if size > LIMIT_BYTES or len(fields) > LIMIT_FIELDS:
        raise too_large()


def check_target_length(target: bytes) -> None:
    """Raise a Refusal of a target over LIMIT_BYTES (RFC 9112, section 3)."""
    if len(target) > LIMIT_BYTES:
        raise Refusal(414, f"The request target may have up to {LIMIT_BYTES} bytes.")


def check_start(method: bytes, target: bytes, version: str) -> None:
    """Check the first line of a request.

    Raises:
        Refusal: 400 for another version than HTTP/1.1 and 1.0,
            and for a target that names no resource (RFC 9112, section 3.2), 414 for a long one.
    """
    check_target_length(target)
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
        if name not in _CHECKED:
            continue
        if name == b"host":
            if host is not None:
                raise Refusal(400, "The request must have one Host, not several.")
            host = value.rstrip(b" \t")
        elif name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            _check_coding(version, value)
            length = UNKNOWN_LENGTH
        else:
            _check_expectation(value)
            # NOTE: HTTP/1.0 has no interim responses, so the expectation is ignored there.
            awaited = version != "1.0"
    if host is None:
        if version != "1.0":
            raise Refusal(400, "The request must have a Host.")
    elif not _is_host(host):
        raise Refusal(400, "The Host must be a name or an address, with or without a port.")
    return Framing(length, awaited) if length else None


@lru_cache(maxsize=16)  # most requests name the same one
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


def _check_coding(version: str, value: bytes) -> None:
    if value.strip().lower() != b"chunked":
        raise Refusal(501, "The only Transfer-Encoding that is understood is chunked.")
    if version == "1.0":
        raise Refusal(400, "HTTP/1.0 has no Transfer-Encoding; use HTTP/1.1.")


def _check_expectation(value: bytes) -> None:
    if value.strip().lower() != b"100-continue":
        raise Refusal(417, "The only expectation that can be met is 100-continue.")
