"""An application that answers as a service does, and does nothing: the ceiling of the machine."""

from __future__ import annotations

from typing import Any

import falcon.asgi
import msgspec

from tests.examples import EVENT

_RESOURCES = [{"id": f"{number:024x}", **EVENT} for number in range(1, 6)]
_COLLECTION = msgspec.json.encode(_RESOURCES)
_FIRST = _RESOURCES[0]["id"]
_RESOURCE = msgspec.json.encode(_RESOURCES[0])


class Collection:
    """Answers the same list, and to every POST the same resource."""

    async def on_get(self, _: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.data = _COLLECTION

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        await req.stream.read()
        resp.status = falcon.HTTP_201
        resp.location = f"{req.path}/{_FIRST}"
        resp.data = _RESOURCE


class Item:
    """Answers the same resource, whatever the id and the method."""

    async def on_get(self, _: falcon.asgi.Request, resp: falcon.asgi.Response, **_id: str) -> None:
        resp.data = _RESOURCE

    async def on_put(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, **_id: str
    ) -> None:
        await req.stream.read()
        resp.data = _RESOURCE

    on_delete = on_get


application: falcon.asgi.App[Any, Any] = falcon.asgi.App()
for _name in ("events", "notifications"):
    application.add_route(f"/{_name}", Collection())
    application.add_route(f"/{_name}/{{id}}", Item())
