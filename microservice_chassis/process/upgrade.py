"""An upgrade that is not made: how to parse the body of a request that asks for one.

The parser stops behind the head of such a request, and takes it for all of it. What follows
would be another protocol's, but none is offered: it is the body, and further requests.
"""

from __future__ import annotations

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from microservice_chassis.process.request_head import Framing


def parser_behind_head(
    protocol: HttpToolsProtocol, framing: Framing, is_last: bool
) -> httptools.HttpRequestParser:
    """Return a parser that stands where a body begins, and calls the protocol from there on.

    `is_last` says that the client has asked for nothing behind this request.
    """
    head = [b"POST / HTTP/1.1", framing.field]
    if is_last:
        head.append(b"Connection: close")
    parser = httptools.HttpRequestParser(_BehindHead(protocol))
    parser.feed_data(b"\r\n".join([*head, b"", b""]))
    return parser


class _BehindHead:
    """What the parser calls: the protocol, except for the head by which it was brought there."""

    def __init__(self, protocol: HttpToolsProtocol) -> None:
        self._protocol = protocol
        self._in_head = True
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete

    def on_message_begin(self) -> None:
        if not self._in_head:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._in_head:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._in_head:
            self._protocol.on_headers_complete()
        self._in_head = False
