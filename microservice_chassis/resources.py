"""The two HTTP resources of a service: its collection, and an item of it."""

from __future__ import annotations

from hashlib import blake2b
from typing import Generic, TypeVar

import falcon
import falcon.asgi
import msgspec

from microservice_chassis.cache import CoherentCache
from microservice_chassis.dator import Dator, Stored
from microservice_chassis.paging import PageQuery
from microservice_chassis.query import query_parameters
from microservice_chassis.request_body import read_object
from microservice_chassis.schema import Resource, Schema

M = TypeVar("M", bound=Resource)

_encoder = msgspec.json.Encoder()


class _Resource(Generic[M]):
    """What a collection and an item have in common."""

    allow: str

    def __init__(self, dator: Dator[M], schema: Schema[M]) -> None:
        self._dator = dator
        self._schema = schema

    async def on_options(
        self, _req: falcon.asgi.Request, resp: falcon.asgi.Response, **_: str
    ) -> None:
        """204: the methods in Allow (RFC 9110, section 9.3.7)."""
        resp.status = falcon.HTTP_204
        resp.set_header("Allow", self.allow)


class CollectionResource(_Resource[M]):
    """All the resources of one kind: list them, and create one."""

    allow = "GET, HEAD, OPTIONS, POST"

    @CoherentCache.cached
    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200: one page, in the order of creation; Link leads to the next."""
        query = PageQuery.of(req)
        page = await self._dator.page(query.limit, query.after)
        if page.last:
            resp.set_header("Link", query.link_to(req.path, page.last))
        resp.data = _encoder.encode(page.resources)
        resp.etag = blake2b(resp.data, digest_size=16).hexdigest()

    on_head = on_get

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """201: the resource that was created; Location says where it is."""
        query_parameters(req)
        resource = self._schema.parse(await read_object(req))
        stored = await self._dator.insert(resource)
        identifier = _answer(resp, stored)
        resp.status = falcon.HTTP_201
        resp.location = f"{req.path}/{identifier}"


class ItemResource(_Resource[M]):
    """One resource: read, replace, change and delete it."""

    allow = "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"

    @CoherentCache.cached
    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:
        """200: the resource."""
        query_parameters(req)
        _answer(resp, await self._dator.find(id))

    on_head = on_get

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:
        """200: the resource, replaced as a whole."""
        query_parameters(req)
        resource = self._schema.parse(await read_object(req))
        _answer(resp, await self._dator.replace(id, resource))

    async def on_patch(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:
        """200: the resource, changed by a JSON Merge Patch (RFC 7396)."""
        query_parameters(req)
        patch = self._schema.parse_patch(await read_object(req))
        _answer(resp, await self._dator.patch(id, patch))

    async def on_delete(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str
    ) -> None:
        """200: what was deleted."""
        query_parameters(req)
        _answer(resp, await self._dator.delete(id))


def _answer(resp: falcon.asgi.Response, stored: Stored[M]) -> str:
    """Answer one resource with its entity tag, and return its id.

    The tag is strong (RFC 9110, section 8.8.3): the id keeps it from being equal
    to that of another resource, the revision changes with each change.
    """
    identifier = stored.resource.id
    resp.etag = f"{identifier}-{stored.revision}"
    resp.data = _encoder.encode(stored.resource)
    return identifier
