"""The exchange: the outermost layer, which sees every request and its answer.

It gives the request an id, finds its route, and is the error boundary: an exception anywhere
behind it is one problem document and one log line. All layers send through its one `send`.
When the request has been answered, it is counted, and has its line in the log if it is to have one.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable
from itertools import count
from random import getrandbits
from time import perf_counter

from microservice_chassis.edge.asgi import Application, Message, Receive, Scope, Send
from microservice_chassis.edge.origin import ORIGINS, Origins
from microservice_chassis.edge.problem_answer import answer_problem
from microservice_chassis.edge.request_counts import RequestCounts
from microservice_chassis.edge.request_log import (
    CACHE,
    SLOW_S,
    TRACE_ID,
    RequestLog,
    describe,
    named,
)
from microservice_chassis.edge.routes import ROUTE, Routes
from microservice_chassis.edge.span import Span, Tracer
from microservice_chassis.edge.stream import CutOff

# Where the other layers find the headers that its answer gets, wherever it comes from: a list to
# append to, in the scope of a request.
ADDED = "eventpost.added"

_WELL_FORMED_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")

_logger = logging.getLogger(__name__)


class Exchange:
    """One request and its answer."""

    __slots__ = ("_send", "added", "id", "status")

    def __init__(self, request_id: bytes, send: Send) -> None:
        self._send = send
        self.id = request_id
        self.added = [(b"x-request-id", request_id)]
        # That of the answer, or 0 while none has begun.
        self.status = 0

    def send(self, message: Message) -> Awaitable[None]:
        """Send a part of the answer, whichever layer it comes from; its headers are a list."""
        # NOTE: no coroutine of its own, which would cost each answer two more.
        if not self.status:
            self.status = message["status"]
            message["headers"].extend(self.added)
        return self._send(message)


class ExchangeLayer:
    """An ASGI application that makes an exchange of each request to another one."""

    def __init__(
        self,
        app: Application,
        routes: Routes,
        counts: RequestCounts | None = None,
        log: RequestLog | None = None,
        tracer: Tracer | None = None,
        origins: Origins | None = None,
    ) -> None:
        """`counts` and `log` are those of others who look at them, too.

        `tracer` is told of each request, if there is one.
        """
        self._app = app
        self._match = routes.match
        self._origins = origins or Origins()
        self._counts = counts or RequestCounts()
        self._log = log or RequestLog()
        self._tracer = tracer
        self._ids = count(-1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; the lifespan (ASGI, "Lifespan Protocol") is none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = perf_counter()
        route = scope[ROUTE] = self._match(scope["path"])
        scope[ORIGINS] = self._origins
        exchange = Exchange(self._request_id(scope), send)
        scope[ADDED] = exchange.added
        span: Span | None = None
        if self._tracer is not None:
            span = self._tracer.begin(scope)
            scope[TRACE_ID] = span.trace_id
        counts = self._counts
        counts.in_flight += 1
        said = True
        try:
            await self._app(scope, receive, exchange.send)
            said = False
        except asyncio.CancelledError:
            if exchange.status:
                counts.cut_off()
                _say(
                    logging.WARNING, "request %s was cut off: %s: the worker ends", scope, exchange
                )
            raise
        except CutOff as error:
            counts.cut_off()
            _say(logging.WARNING, "request %s was cut off: %s: %s", scope, exchange, error)
        except Exception:
            _say(logging.ERROR, "request %s failed: %s", scope, exchange, exc_info=True)
            # NOTE: of an answer that has begun nothing is right any more; the server closes
            #   the connection when it ends early, and the client notices.
            if exchange.status:
                counts.cut_off()
            else:
                detail = "The service failed; its log says why."
                await answer_problem(scope, exchange.send, 500, detail)
        finally:
            counts.in_flight -= 1
            status = exchange.status
            duration_s = perf_counter() - began_s
            if status:
                cache = scope.get(CACHE)
                counts.answered(route.template, scope["method"], status, cache, duration_s)
                if (duration_s > SLOW_S or status >= 500 or self._log.all) and not said:
                    self._log.answered(scope, exchange.id, status, duration_s)
            if span is not None:
                span.end(status)

    def _request_id(self, scope: Scope) -> bytes:
        """Return the id that the client has given, if it is well-formed, or a new one."""
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _WELL_FORMED_ID.fullmatch(value):
                return bytes(value)
        number = next(self._ids)
        if number < 0:
            # NOTE: the first of this process: it begins where no other one does.
            self._ids = count(getrandbits(63))
            number = next(self._ids)
        return b"%016x" % number


def _say(
    level: int,
    line: str,
    scope: Scope,
    exchange: Exchange,
    *others: object,
    exc_info: bool | None = None,
) -> None:
    """Log what became of a request; the line has its id, its method and its route first."""
    # NOTE: an answer that has not begun is about to, as a failure.
    fields = describe(scope, exchange.id) | {"status": exchange.status or 500}
    arguments = (fields["request_id"], named(fields), *others)
    _logger.log(level, line, *arguments, exc_info=exc_info, extra={"fields": fields})
