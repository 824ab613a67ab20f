"""CORS: which scripts in a browser may use the service (WHATWG Fetch, "CORS protocol").

The layer stands in front of keys and cache, so that hits and refusals have its headers, too.
No cookie and no credentials of the browser are ever asked for: a script sends a key by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable

from microservice_chassis.edge.asgi import Application, Message, Receive, Scope, Send
from microservice_chassis.edge.exchange import ADDED
from microservice_chassis.web_address import ANY_ORIGIN

_EXPOSED = (
    b"access-control-expose-headers",
    b"ETag, Link, Location, Total-Count, Total-Count-Precision, X-Request-ID, Cache-Status,"
    b" Retry-After",
)

_PREFLIGHT = (
    # NOTE: whatever the path has, so that a script can read what is wrong with another method.
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match,"
        b" Traceparent, Tracestate, X-Request-ID",
    ),
    # The longest that a browser keeps it: two hours in Chromium.
    (b"access-control-max-age", b"7200"),
)

_VARY = (b"vary", b"Origin")


class CorsLayer:
    """An ASGI application that tells browsers whose scripts may see what another one answers."""

    def __init__(self, app: Application, origins: str) -> None:
        """`origins` is CORS_ALLOW_ORIGINS."""
        self._app = app
        # NOTE: an answer that is the same for all origins need not vary with them.
        always = () if origins == ANY_ORIGIN else (_VARY,)
        self._to_others = always
        self._to_allowed = {
            each.encode(): ((b"access-control-allow-origin", each.encode()), _EXPOSED, *always)
            for each in origins.split(",")
        }
        self._to_all = self._to_allowed.get(ANY_ORIGIN.encode())

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a preflight; of other requests add to the answer what a browser must know."""
        # NOTE: no coroutine of its own, which would cost each request another one.
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        origin = asked = None
        for name, value in scope["headers"]:
            if name == b"origin":
                # NOTE: several are none that is allowed.
                origin = value if origin is None else origin + b"," + value
            elif name == b"access-control-request-method":
                asked = value
        added = scope[ADDED]
        if origin is None:
            added.extend(self._to_others)
            return self._app(scope, receive, send)
        to_origin = self._to_all or self._to_allowed.get(origin)
        added.extend(to_origin or self._to_others)
        if asked is not None and scope["method"] == "OPTIONS":
            return _answer_preflight(send, allowed=to_origin is not None)
        return self._app(scope, receive, send)


async def _answer_preflight(send: Send, *, allowed: bool) -> None:
    """204, without saying what would be allowed where nothing is."""
    start: Message = {
        "type": "http.response.start",
        "status": 204,
        "headers": list(_PREFLIGHT) if allowed else [],
    }
    await send(start)
    await send({"type": "http.response.body", "body": b""})
