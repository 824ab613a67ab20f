"""The resource of a collection: list it, and create in it."""

from __future__ import annotations

from hashlib import blake2b

import falcon
import falcon.asgi

from microservice_chassis.http.paging import answer_total, link_to_next
from microservice_chassis.http.query import query_parameters
from microservice_chassis.http.request_body import read_object
from microservice_chassis.http.resource import DatorResource, M, answer_one
from microservice_chassis.schema.query import QueryParameters
from microservice_chassis.storage.dator import Dator, Page


class CollectionResource(DatorResource[M]):
    """All the resources of one kind: list them, and create one."""

    def __init__(self, dator: Dator[M]) -> None:
        super().__init__(dator)
        self._query = QueryParameters(dator.query)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
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
            resp.cache_control = ["no-cache"]
        resp.data = b"[" + b",".join(page.representations) + b"]"
        resp.etag = _entity_tag(resp.data, page)

    on_head = on_get

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """201: the resource that was created; Location says where it is."""
        query_parameters(req)
        resource = self._schema.parse(await read_object(req))
        stored = await self._dator.insert(resource)
        identifier = answer_one(resp, stored)
        resp.status = falcon.HTTP_201
        resp.location = f"{self.template}/{identifier}"


def _entity_tag(content: bytes, page: Page) -> str:
    """Return the tag of a page, which is another one when a page follows, or with another total."""
    tag = blake2b(content, digest_size=16)
    tag.update(repr((page.next is None, page.total)).encode())
    return tag.hexdigest()
