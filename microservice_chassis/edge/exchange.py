"""The exchange: the outermost layer, which sees every request and its answer.

It gives the request an id, finds its route, and is the error boundary: an exception anywhere
behind it is one problem document and one log line. All layers send through its one `send`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable
from itertools import count
from random import getrandbits

from microservice_chassis.edge.asgi import Application, Message, Receive, Scope, Send
from microservice_chassis.edge.origin import ORIGINS, Origins
from microservice_chassis.edge.problem_answer import answer_problem
from microservice_chassis.edge.routes import Routes
from microservice_chassis.edge.stream import CutOff

# Where the other layers find the route of a request, in its scope.
ROUTE = "eventpost.route"

# Where they find the headers that its answer gets, wherever it comes from: a list to append to.
ADDED = "eventpost.added"

_WELL_FORMED_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")

_logger = logging.getLogger(__name__)


class Exchange:
    """One request and its answer."""

    __slots__ = ("_send", "added", "id", "started")

    def __init__(self, request_id: bytes, send: Send) -> None:
        self._send = send
        self.id = request_id
        self.added = [(b"x-request-id", request_id)]
        self.started = False

    def send(self, message: Message) -> Awaitable[None]:
        """Send a part of the answer, whichever layer it comes from; its headers are a list."""
        # NOTE: no coroutine of its own, which would cost each answer two more.
        if not self.started:
            self.started = True
            message["headers"].extend(self.added)
        return self._send(message)


class ExchangeLayer:
    """An ASGI application that makes an exchange of each request to another one."""

    def __init__(self, app: Application, routes: Routes, origins: Origins | None = None) -> None:
        self._app = app
        self._match = routes.match
        self._origins = origins or Origins()
        self._ids = count(-1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; the lifespan (ASGI, "Lifespan Protocol") is none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[ROUTE] = self._match(scope["path"])
        scope[ORIGINS] = self._origins
        exchange = Exchange(self._request_id(scope), send)
        scope[ADDED] = exchange.added
        try:
            await self._app(scope, receive, exchange.send)
        except asyncio.CancelledError:
            if exchange.started:
                named = _named(exchange, scope)
                _logger.warning("request %s was cut off: %s: the worker ends", *named)
            raise
        except CutOff as error:
            _logger.warning("request %s was cut off: %s: %s", *_named(exchange, scope), error)
        except Exception:
            _logger.exception("request %s failed: %s", *_named(exchange, scope))
            # NOTE: of an answer that has begun nothing is right any more; the server closes
            #   the connection when it ends early, and the client notices.
            if not exchange.started:
                detail = "The service failed; its log says why."
                await answer_problem(scope, exchange.send, 500, detail)

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


def _named(exchange: Exchange, scope: Scope) -> tuple[str, str]:
    """Return the id of a request, and its method and route, for the log."""
    template = scope[ROUTE].template or "an unknown path"
    return exchange.id.decode(), f"{scope['method']} {template}"
