"""Health of a service, for whatever supervises it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import falcon.asgi


class LiveResource:
    """Liveness: the process answers."""

    template = "/health/live"

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200, always."""
        resp.data = b'{"status":"live"}'


class ReadyResource:
    """Readiness: MongoDB does what requests need of it, too."""

    template = "/health/ready"

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        """`check` returns when MongoDB has done it, and raises DatabaseUnavailable."""
        self._check = check

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200, or 503 while MongoDB cannot be used."""
        await self._check()
        resp.data = b'{"status":"ready"}'
