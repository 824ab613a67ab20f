"""The resource of a collection: list it, and create in it."""

from __future__ import annotations

from collections.abc import Mapping

import falcon
import falcon.asgi

from microservice_chassis.http.entity_tag import content_tag
from microservice_chassis.http.export import NDJSON, Export
from microservice_chassis.http.paging import answer_total, link_to_next
from microservice_chassis.http.query import query_parameters
from microservice_chassis.http.request_body import read_object
from microservice_chassis.http.resource import JSON, DatorResource, M, Responder, answer_one
from microservice_chassis.schema.query import QueryParameters


class CollectionResource(DatorResource[M]):
    """All the resources of one kind: list them, and create one."""

    def representations(self) -> Mapping[str, Responder]:
        """A page as JSON, and everything as NDJSON."""
        self._query = QueryParameters(self._dator.query)
        return {JSON: self._answer_page, NDJSON: Export(self._dator).answer}

    async def _answer_page(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200: one page of what the query selects, in its order; Link leads to the next."""
        parameters = query_parameters(req, self._query.members)
        query = self._query.parse(parameters)
        page = await self._dator.page(query)
        if page.next:
            link = link_to_next(self.template, parameters, query.limit, page.next)
            resp.set_header("Link", link)
        if page.total is not None:
            answer_total(resp, page.total)
        if query.relative:
            # NOTE: it is another answer at another time, so the response cache keeps none.
            resp.set_header("Cache-Control", "no-store")
        resp.data = b"[" + b",".join(page.representations) + b"]"
        # NOTE: the page is another answer when one follows, or with another total.
        resp.etag = content_tag(resp.data + repr((page.next is None, page.total)).encode())

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """201: the resource that was created; Location says where it is."""
        query_parameters(req)
        resource = self._schema.parse(await read_object(req))
        stored = await self._dator.insert(resource)
        identifier = answer_one(resp, stored)
        resp.status = falcon.HTTP_201
        resp.location = f"{self.template}/{identifier}"
