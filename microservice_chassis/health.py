"""Health of a service, for whatever supervises it."""

from __future__ import annotations

import falcon.asgi
from pymongo import AsyncMongoClient

from microservice_chassis.database import Document, reachable


class LiveResource:
    """Liveness: the process answers."""

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200, always."""
        resp.data = b'{"status":"live"}'


class ReadyResource:
    """Readiness: MongoDB answers too."""

    def __init__(self, client: AsyncMongoClient[Document]) -> None:
        self._client = client

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200, or 503 while MongoDB cannot be reached."""
        with reachable():
            await self._client.admin.command("ping")
        resp.data = b'{"status":"ready"}'
