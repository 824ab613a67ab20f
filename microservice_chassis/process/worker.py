"""The Gunicorn worker: uvicorn's, with limits on what a client may hold or send.

uvicorn bounds the time between two requests, and nothing else;
here a request must arrive in full within a time, and its header within a size.
An answer is sent in one piece.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any, ClassVar

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn_worker import UvicornWorker

from microservice_chassis import problem

REQUEST_TIMEOUT_S = 10.0
HEADER_LIMIT_BYTES = 64 * 1024
HEADER_LIMIT_FIELDS = 100


class _HeaderTooLarge(Exception):
    """The header of a request has too many fields."""


class _UnsupportedVersion(Exception):
    """The parser knows this version of HTTP, and the application does not."""


class _Cork(asyncio.Transport):
    """The transport of a connection's answers: it keeps a head back until the body comes.

    uvicorn writes the two one by one, which costs another system call and wakes the client
    for half an answer. ASGI asks servers to wait (HTTP & WebSocket spec, "Response Start").
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
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

    def end(self) -> None:
        """End an answer: what it still keeps back is all there is."""
        if self._head is not None and not self._in_body:
            self._transport.write(self._head)
        self._head = None
        self._in_body = False

    def close(self) -> None:
        """End an answer, and then the connection."""
        self.end()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection is being closed."""
        return self._transport.is_closing()


class BoundedHttpProtocol(HttpToolsProtocol):
    """HTTP/1.1 for clients that are not trusted to be quick or brief."""

    _deadline: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _in_header = False
    _in_request = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client time for its first request."""
        super().connection_made(transport)
        self._cork = _Cork(transport)
        self._arm_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._disarm_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and see to it that the rest of the request comes in time."""
        super().data_received(data)
        if self._in_header:
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_LIMIT_BYTES:
                self._refuse(431, "The request header is too large.")
        # NOTE: uvicorn has just stopped its own timer, for idle connections.
        if self._in_request or self.cycle is None or self.cycle.response_complete:
            self._arm_deadline()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Still answer a client that has closed its side behind a complete request (half-close)."""
        if self._in_request or self.cycle is None or self.cycle.response_complete:
            return False
        self.cycle.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_request = self._in_header = True
        self._header_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start the application, unless it could not understand the request."""
        if self.parser.get_http_version() not in ("1.1", "1.0"):
            raise _UnsupportedVersion
        if len(self.headers) > HEADER_LIMIT_FIELDS:
            raise _HeaderTooLarge
        super().on_headers_complete()
        if not self.expect_100_continue:
            self.cycle.transport = self._cork
        self._in_header = False

    def on_message_complete(self) -> None:
        """Take the request as complete."""
        self._in_request = False
        self._disarm_deadline()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Send what is left of an answer, and begin with the next one."""
        self._cork.end()
        super().on_response_complete()

    def send_400_response(self, _msg: str) -> None:
        """Refuse what the parser could not read, or what on_headers_complete() refused."""
        if self.headers and len(self.headers) > HEADER_LIMIT_FIELDS:
            self._refuse(431, f"A request may have up to {HEADER_LIMIT_FIELDS} header fields.")
        else:
            self._refuse(400, "The request is not valid HTTP/1.1.")

    def _arm_deadline(self) -> None:
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(REQUEST_TIMEOUT_S, self._on_deadline)

    def _disarm_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        self._deadline = None
        self._refuse(408, f"The request did not arrive within {REQUEST_TIMEOUT_S:.0f} seconds.")

    def _refuse(self, status: int, detail: str) -> None:
        """Answer the request that is arriving with a problem, and close the connection."""
        if self.transport.is_closing():
            return
        if self._may_answer():
            body = msgspec.json.encode(problem.document(status, detail))
            self.transport.write(
                STATUS_LINE[status]
                + b"content-type: %s\r\n" % problem.MEDIA_TYPE.encode()
                + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
                + body
            )
        self.transport.close()

    def _may_answer(self) -> bool:
        """Whether the next answer on this connection belongs to the request that is arriving."""
        if self.pipeline:
            return False
        if self._in_request and not self._in_header:
            return not self.cycle.response_started
        return self.cycle is None or self.cycle.response_complete


class Worker(UvicornWorker):  # type: ignore[misc]  # it comes without type information
    """A Gunicorn worker that serves an ASGI application with BoundedHttpProtocol."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": BoundedHttpProtocol,
        "ws": "none",
        "lifespan": "on",
        # NOTE: nothing here depends on a client's address, so no proxy needs to be believed.
        "proxy_headers": False,
        "server_header": False,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # NOTE: Gunicorn has said already that a worker starts, and will say that it ends.
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)

    def init_signals(self) -> None:
        """Let SIGTERM end the worker with status 0 once it has finished what is in flight.

        uvicorn serves to the end and then raises the signal again,
        which without this handler would count as a crash.
        """
        super().init_signals()
        signal.signal(signal.SIGTERM, _exit)


def _exit(_signum: int, _frame: object) -> None:
    raise SystemExit(0)
