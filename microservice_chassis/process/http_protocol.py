"""HTTP/1.1 as a server must take it: what is no HTTP is refused, in its turn.

The parser is httptools', as uvicorn uses it; this is about what may be said, and how much of it.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from microservice_chassis.process import refusal, request_head
from microservice_chassis.process.bounded_connection import REQUEST_TIMEOUT_S, BoundedConnection
from microservice_chassis.process.refusal import Refusal
from microservice_chassis.process.request_head import LIMIT_BYTES, LIMIT_FIELDS, Framing
from microservice_chassis.process.request_with_body import RequestWithBody
from microservice_chassis.process.upgrade import parser_behind_head

# How much the parser gets at once, so that what is too long is noticed while it comes.
_PIECE_BYTES = 16 * 1024


class HttpProtocol(BoundedConnection):
    """HTTP/1.1 on one connection."""

    # The request that is arriving.
    _in_head = False
    _framing: Framing | None = None
    _is_last = False  # the client has asked for nothing behind it
    _trailer_bytes = 0
    _trailer_fields = 0
    _with_body: RequestWithBody  # where it has one

    # How much has come since a part of it was complete, and how much is being parsed.
    _unparsed_bytes = 0
    _piece_bytes = 0

    # What is to be answered once nothing else is.
    _refusal: Refusal | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # NOTE: uvicorn is lenient here; what follows the last request is never parsed.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and see to it that the rest of the request comes in time."""
        self._unset_keepalive_if_required()
        if len(data) <= _PIECE_BYTES:
            self._take(data)
        else:
            for start in range(0, len(data), _PIECE_BYTES):
                self._take(data[start : start + _PIECE_BYTES])
        if self.in_request or not (self.is_answering or self.timeout_keep_alive_task):
            self.arm_deadline()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Still answer a client that has closed its side behind a complete request (half-close)."""
        self.half_closed = True
        if self.in_request and not self.deaf:
            self._refuse(Refusal(400, "The request ended before it was complete."))
        elif self.is_answering and self._refusal is None:
            self.cycle.keep_alive = False
        return self.is_answering

    def on_late_request(self) -> None:
        """Refuse a request that did not arrive in time."""
        if self.in_request or self.answering is None:
            detail = f"The request did not arrive within {REQUEST_TIMEOUT_S:.0f} seconds."
            self._refuse(Refusal(408, detail))
        else:
            self.close()

    def _take(self, data: bytes) -> None:
        """Parse a piece of what came."""
        self._piece_bytes = len(data)
        self._unparsed_bytes += len(data)
        try:
            while data and not self.deaf:
                try:
                    self.parser.feed_data(data)
                    break
                except httptools.HttpParserUpgrade as upgrade:
                    # None is offered, so the request is what it is without (RFC 9110, 7.8).
                    if self._framing is not None:
                        self.parser = parser_behind_head(self, self._framing, self._is_last)
                    data = data[upgrade.args[0] :]
            else:
                self.discard(data)
            if self.in_request and not self.deaf:
                self._check_unfinished()
        except (httptools.HttpParserError, Refusal) as error:
            if not self.deaf:
                self._refuse(_refusal_of(error))

    def _check_unfinished(self) -> None:
        """Refuse a target, header or trailer of which there is too much, though it has no end."""
        request_head.check_target_length(self.url)
        if self._unparsed_bytes - len(self.url) > LIMIT_BYTES or len(self.headers) > LIMIT_FIELDS:
            raise request_head.too_large()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self.deaf:
            # The parser knows of no last request of HTTP/1.0; here it stops.
            raise Refusal(400, "There is a request behind the last one.")
        super().on_message_begin()
        self.in_request = self._in_head = True
        self._unparsed_bytes = min(self._unparsed_bytes, self._piece_bytes)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the header, or of a trailer, which no application sees."""
        if self._in_head:
            self.headers.append((name.lower(), value))
        else:
            self._trailer_bytes += len(name) + len(value) + 4
            self._trailer_fields += 1
            fields = len(self.headers) + self._trailer_fields
            if self._trailer_bytes > LIMIT_BYTES or fields > LIMIT_FIELDS:
                raise request_head.too_large()

    def on_headers_complete(self) -> None:
        """Let the application answer, unless it could not understand the request."""
        method = self.parser.get_method()
        version = self.parser.get_http_version()
        if self._unparsed_bytes > LIMIT_BYTES - _PIECE_BYTES or len(self.headers) > LIMIT_FIELDS:
            request_head.check_size(self.headers)
        request_head.check_start(method, self.url, version)
        self._framing = request_head.check_fields(version, self.headers)
        self._trailer_bytes = self._trailer_fields = 0
        self._is_last = version == "1.0" or not self.parser.should_keep_alive()
        self._describe(method, version)
        self._in_head = False
        self._unparsed_bytes = 0
        previous, self.cycle = self.cycle, self._new_cycle()
        if not self.is_answering:
            self._start_asgi_task(self.cycle, self.app)
            return
        self.flow.pause_reading()
        self.pipeline.appendleft((self.cycle, self.app))
        if self.ending and not previous.response_started:
            # It is no longer the last one that is answered.
            previous.keep_alive = True

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._unparsed_bytes = 0
        self._with_body.arrive(body)
        if len(self._with_body.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """Take the request as complete."""
        if self._framing is not None and self.parser.should_upgrade():
            return  # its body is still to come
        self.in_request = False
        self._unparsed_bytes = 0
        self.disarm_deadline()
        self.deaf = self._is_last
        if self.cycle.response_complete:
            self.await_next_request()
        else:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def _describe(self, method: bytes, version: str) -> None:
        """Complete the scope of the request (HTTP & WebSocket ASGI spec, "Connection Scope")."""
        url = httptools.parse_url(self.url)
        raw_path = url.path or b"/"
        path = raw_path.decode("ascii")
        self.scope["method"] = method.decode("ascii")
        self.scope["http_version"] = version
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = raw_path
        self.scope["query_string"] = url.query or b""

    def _new_cycle(self) -> RequestResponseCycle:
        arguments = (
            self.flow,
            self.logger,
            self.access_logger,
            self.access_log,
            self.server_state.default_headers,
            asyncio.Event(),
            False,  # an expectation is RequestWithBody's
            not (self._is_last or self.ending),
            self.on_response_complete,
        )
        if self._framing is None:
            return RequestResponseCycle(self.scope, self.cork, *arguments)
        self._with_body = RequestWithBody(self._framing, self.scope, self.cork, *arguments)
        return self._with_body

    # Answers.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Go on with the next answer that is due, or wait for a request."""
        self.cork.end()
        self.server_state.total_requests += 1
        if self.is_closed:
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self._send(self._refusal)
        else:
            self.await_next_request()

    def _refuse(self, what: Refusal) -> None:
        """Refuse the request that is arriving, once all before it have been answered."""
        self.deaf = True
        self.disarm_deadline()
        if self.in_request and not self._in_head:
            if self.pipeline and self.pipeline[0][0] is self.cycle:
                self.pipeline.popleft()
            elif self.cycle.response_complete:
                self.close()
                return
            elif self.cycle.response_started:
                self.cycle.keep_alive = False
                return
            else:
                self.abandon(self.cycle)
                self._send(what)
                return
        if self.is_answering:
            self._refusal = what
        else:
            self._send(what)

    def _send(self, what: Refusal) -> None:
        """Answer with a refusal, and close the connection."""
        request_id = refusal.new_id()
        for tell in self.app_state.get(refusal.LISTENERS, ()):
            tell(request_id.decode(), what.status, what.detail)
        default_headers = self.server_state.default_headers
        self.transport.write(
            refusal.answer(what, request_id, default_headers, head_only=self._is_head())
        )
        self.close()

    def _is_head(self) -> bool:
        """Whether the method of the request that is arriving is HEAD, as far as it is known."""
        if self._in_head:
            return bool(self.url) and self.parser.get_method() == b"HEAD"
        return self.in_request and self.scope["method"] == "HEAD"


def _refusal_of(error: Exception) -> Refusal:
    """Return the refusal for which the parser has given up, its own or that of what it called."""
    for each in (error, error.__context__):
        if isinstance(each, Refusal):
            return each
        if each is not None and not isinstance(each, httptools.HttpParserError):
            raise each
    return Refusal(400, "The request is not valid HTTP/1.1.")
