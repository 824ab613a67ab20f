"""Refusals: what the server itself answers, since no application can be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import getrandbits

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from microservice_chassis import problem

# Where an application gives, in the state of its lifespan (ASGI, "Lifespan Protocol"), those who
# are to be told of each refusal, as it does not see these: a sequence of `Listener`.
LISTENERS = "eventpost.refused"

# Told of the id, the status and the detail of a refusal.
Listener = Callable[[str, int, str], None]


class Refusal(Exception):
    """A request that is no HTTP/1.1, or too much of it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def new_id() -> bytes:
    """Return an id for the answer to a request, of which no header can be trusted."""
    return b"%016x" % getrandbits(64)


def answer(
    refusal: Refusal,
    request_id: bytes,
    default_headers: Iterable[tuple[bytes, bytes]],
    *,
    head_only: bool,
) -> bytes:
    """Return the bytes of the answer, behind which the connection closes.

    `head_only` leaves the content out, for HEAD (RFC 9110, section 9.3.2).
    """
    body = msgspec.json.encode(problem.document(refusal.status, refusal.detail))
    headers = [
        *default_headers,
        (b"content-type", problem.MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id),
        (b"connection", b"close"),
    ]
    lines = [b"%s: %s\r\n" % field for field in headers]
    return b"".join([STATUS_LINE[refusal.status], *lines, b"\r\n", b"" if head_only else body])
