"""The cork: it keeps the head of an answer back until the body comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Cork(asyncio.Transport):
    """The transport of a connection's answers, as those who answer see it.

    uvicorn writes head and body one by one, which costs another system call and wakes the client
    for half an answer. ASGI asks servers to wait (HTTP & WebSocket spec, "Response Start").
    """

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        """`close` ends the connection behind an answer."""
        super().__init__()
        self._transport = transport
        self._close = close
        self._head: bytes | None = None
        self._in_body = False

    def write(self, data: bytes) -> None:  # type: ignore[override]
        """Write the next part of an answer: first its head, and then its body."""
        if self._in_body:
            self._transport.write(data)
        elif self._head is None:
            self._head = data
        else:
            self._transport.writelines([self._head, data])
            self._in_body = True

    def tell_to_continue(self) -> None:
        """Write the interim response for which a client waits (RFC 9110, section 15.2.1)."""
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def end(self) -> None:
        """End an answer: what it still keeps back is all there is."""
        if self._head is not None and not self._in_body:
            self._transport.write(self._head)
        self._head = None
        self._in_body = False

    def close(self) -> None:
        """End an answer, and then the connection."""
        self.end()
        self._close()
