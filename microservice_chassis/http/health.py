"""Health of a service, for whatever supervises it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import falcon.asgi

from microservice_chassis.http.resource import BaseResource


class LiveResource(BaseResource):
    """Liveness: the process answers."""

    template = "/health/live"

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200, always."""
        resp.data = b'{"status":"live"}'

    on_head = on_get


class ReadyResource(BaseResource):
    """Readiness: MongoDB answers too."""

    template = "/health/ready"

    def __init__(self, ping: Callable[[], Awaitable[None]]) -> None:
        """`ping` returns when MongoDB has answered, and raises DatabaseUnavailable."""
        self._ping = ping

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200, or 503 while MongoDB cannot be reached."""
        await self._ping()
        resp.data = b'{"status":"ready"}'

    on_head = on_get
