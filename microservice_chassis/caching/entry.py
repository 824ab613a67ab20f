"""An entry of the response cache: the representation that a resource has at some stamp."""

from __future__ import annotations


class Entry:
    """The headers and the body of an answer with status 200, without what depends on a request."""

    __slots__ = ("body", "etag", "headers")

    def __init__(self, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
        """`headers` are in lower case; an entity tag is among them."""
        self.headers = headers
        self.body = body
        self.etag = dict(headers)[b"etag"]
