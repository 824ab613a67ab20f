"""The resource of an item: read it, replace it, change it and delete it."""

from __future__ import annotations

from collections.abc import Mapping

import falcon.asgi

from microservice_chassis.http.entity_tag import expected_revisions
from microservice_chassis.http.query import query_parameters
from microservice_chassis.http.request_body import read_object
from microservice_chassis.http.resource import JSON, DatorResource, M, Responder, answer_one


class ItemResource(DatorResource[M]):
    """One resource: read, replace, change and delete it."""

    def representations(self) -> Mapping[str, Responder]:
        """The resource as JSON."""
        return {JSON: self._answer_item}

    async def _answer_item(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str
    ) -> None:
        query_parameters(req)
        answer_one(resp, await self._dator.find(id))

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:
        """200: the resource, replaced as a whole."""
        query_parameters(req)
        resource = self._schema.parse(await read_object(req))
        answer_one(resp, await self._dator.replace(id, resource, expected_revisions(req, id)))

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:
        """200: the resource, changed by a JSON Merge Patch (RFC 7396)."""
        query_parameters(req)
        patch = self._schema.parse_patch(await read_object(req))
        answer_one(resp, await self._dator.patch(id, patch, expected_revisions(req, id)))

    async def on_delete(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str
    ) -> None:
        """200: what was deleted."""
        query_parameters(req)
        answer_one(resp, await self._dator.delete(id, expected_revisions(req, id)))
