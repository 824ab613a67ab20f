"""The resource of a collection: list it, and create in it."""

from __future__ import annotations

from collections.abc import Mapping

import falcon
import falcon.asgi

from microservice_chassis.http.entity_tag import content_tag
from microservice_chassis.http.export import NDJSON, Export
from microservice_chassis.http.paging import PageQuery
from microservice_chassis.http.query import query_parameters
from microservice_chassis.http.request_body import read_object
from microservice_chassis.http.resource import JSON, DatorResource, M, Responder, answer_one


class CollectionResource(DatorResource[M]):
    """All the resources of one kind: list them, and create one."""

    def representations(self) -> Mapping[str, Responder]:
        """A page as JSON, and everything as NDJSON."""
        return {JSON: self._answer_page, NDJSON: Export(self._dator).answer}

    async def _answer_page(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200: one page, in the order of creation; Link leads to the next."""
        query = PageQuery.of(req)
        page = await self._dator.page(query.limit, query.cursor)
        if page.next:
            resp.set_header("Link", query.link_to(self.template, page.next))
        resp.data = b"[" + b",".join(page.representations) + b"]"
        resp.etag = content_tag(resp.data)

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """201: the resource that was created; Location says where it is."""
        query_parameters(req)
        resource = self._schema.parse(await read_object(req))
        stored = await self._dator.insert(resource)
        identifier = answer_one(resp, stored)
        resp.status = falcon.HTTP_201
        resp.location = f"{self.template}/{identifier}"
