"""Health of a service, for whatever supervises it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import falcon.asgi

from microservice_chassis.http.operation import Answer, Operation
from microservice_chassis.http.resource import JSON, BaseResource


def _healthy(status: str) -> Mapping[int, Answer]:
    schema = {
        "type": "object",
        "properties": {"status": {"const": status}},
        "required": ["status"],
        "additionalProperties": False,
    }
    return {200: Answer("It is.", {JSON: schema})}


class LiveResource(BaseResource):
    """Liveness: the process answers."""

    template = "/health/live"
    is_open = True

    def operations(self) -> Mapping[str, Operation]:
        """Whether the process runs."""
        return {"GET": Operation("Whether the service runs.", _healthy("live"))}

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200, always."""
        resp.data = b'{"status":"live"}'

    on_head = on_get


class ReadyResource(BaseResource):
    """Readiness: MongoDB does what requests need of it, too."""

    template = "/health/ready"
    is_open = True

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        """`check` returns when MongoDB has done it, and raises DatabaseUnavailable."""
        self._check = check

    def operations(self) -> Mapping[str, Operation]:
        """Whether MongoDB can be used."""
        summary = "Whether MongoDB does what reads and writes need."
        return {"GET": Operation(summary, _healthy("ready"), (503,))}

    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200, or 503 while MongoDB cannot be used."""
        await self._check()
        resp.data = b'{"status":"ready"}'

    on_head = on_get
