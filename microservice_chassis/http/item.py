"""The resource of an item: read it, replace it, change it and delete it."""

from __future__ import annotations

from collections.abc import Mapping

import falcon.asgi

from microservice_chassis.http.query import query_parameters
from microservice_chassis.http.request_body import read_object
from microservice_chassis.http.resource import DatorResource, M, answer_one


class ItemResource(DatorResource[M]):
    """One resource: read, replace, change and delete it."""

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:
        """200: the resource."""
        query_parameters(req)
        answer_one(resp, await self._dator.find(id))

    on_head = on_get

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:
        """200: the resource, replaced as a whole."""
        query_parameters(req)
        resource = self._schema.parse(await read_object(req))
        answer_one(resp, await self._dator.replace(id, resource))

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:
        """200: the resource, changed by a JSON Merge Patch (RFC 7396)."""
        query_parameters(req)
        patch = self._schema.parse_patch(await read_object(req))
        answer_one(resp, await self._dator.patch(id, patch))

    async def on_delete(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str
    ) -> None:
        """200: what was deleted."""
        query_parameters(req)
        answer_one(resp, await self._dator.delete(id))

    async def _must_exist(self, params: Mapping[str, str]) -> None:
        await self._dator.find(params["id"])
