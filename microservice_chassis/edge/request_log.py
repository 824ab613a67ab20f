"""The request log: which requests are a line, and what the line says.

Of a request it has the method, the template of the route, and the names of parameters; never a
path or a value, which may be an address or a key, and nothing of a body.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from microservice_chassis.edge.asgi import Scope
from microservice_chassis.edge.routes import ROUTE
from microservice_chassis.edge.trace_context import trace_context

# Where the other layers tell the Cache-Status of an answer, in the scope of its request.
CACHE = "eventpost.cache"

# Where the id of a request's trace is, where somebody records traces.
TRACE_ID = "eventpost.trace_id"

SLOW_S = 1.0

# That the service cannot answer for now: what the cause is, is one line, however many requests
# it meets.
_UNAVAILABLE = 503

# A name that is shown as it is; what else a client has put there may be anything.
_NAME = re.compile(rb"[a-z_]{1,32}")
_MOST_NAMES = 12

_logger = logging.getLogger(__name__)


class RequestLog:
    """Writes the lines of one worker's requests."""

    def __init__(self, which: str = "errors") -> None:
        """`which` is `all`, `none`, or `errors`: 5xx but 503, and what took over a second."""
        self.all = which == "all"
        self._none = which == "none"

    def answered(self, scope: Scope, request_id: bytes, status: int, duration_s: float) -> None:
        """Write the line of a request that has been answered, if it is to have one."""
        failed = status >= 500
        remarkable = status != _UNAVAILABLE and (failed or duration_s > SLOW_S)
        if self._none or not (remarkable or self.all):
            return
        level = logging.WARNING if remarkable else logging.INFO
        if not _logger.isEnabledFor(level):
            return
        fields = describe(scope, request_id)
        fields |= {"status": status, "duration_ms": round(duration_s * 1000, 3)}
        cache: bytes | None = scope.get(CACHE)
        if cache is not None:
            fields["cache"] = cache.partition(b"; ")[2].decode()
        others = [f"{name} {fields[name]}" for name in ("cache", "trace_id") if name in fields]
        _logger.log(
            level,
            "request %s: %s: %d in %.1f ms%s",
            fields["request_id"],
            named(fields),
            status,
            fields["duration_ms"],
            "".join(f", {each}" for each in others),
            extra={"fields": fields},
        )

    def refused(self, request_id: str, status: int, detail: str) -> None:
        """Write the line of a request that the server has refused, if it is to have one."""
        if self._none or not (self.all or status >= 500):
            return
        fields = {"request_id": request_id, "status": status}
        line = "request %s is refused: %d, %s"
        _logger.info(line, request_id, status, detail, extra={"fields": fields})


def describe(scope: Scope, request_id: bytes) -> dict[str, Any]:
    """Return what the log may tell of a request, by the names that the fields have in JSON."""
    fields: dict[str, Any] = {
        "request_id": request_id.decode(),
        "method": scope["method"],
        "route": scope[ROUTE].template or None,
    }
    query: bytes = scope.get("query_string", b"")
    if query:
        names = (each.partition(b"=")[0] for each in query.split(b"&", _MOST_NAMES))
        shown = (name.decode() if _NAME.fullmatch(name) else "?" for name in names)
        fields["parameters"] = list(dict.fromkeys(shown))
    if TRACE_ID in scope:
        fields["trace_id"] = scope[TRACE_ID]
    elif (trace := trace_context(scope["headers"])) is not None:
        fields["trace_id"] = trace.trace_id
    return fields


def named(fields: dict[str, Any]) -> str:
    """Return the method and the route of a request that has been described, in words."""
    query = f"?{'&'.join(fields['parameters'])}" if "parameters" in fields else ""
    return f"{fields['method']} {fields['route'] or 'an unknown path'}{query}"
