"""The resource of an item: read it, replace it, change it and delete it."""

from __future__ import annotations

from collections.abc import Mapping

import falcon.asgi

from microservice_chassis.http.entity_tag import expected_revisions
from microservice_chassis.http.operation import (
    OF_BODY,
    OF_DATOR,
    Answer,
    Operation,
    answered,
    given,
    merge_patch,
)
from microservice_chassis.http.query import query_parameters
from microservice_chassis.http.request_body import read_object
from microservice_chassis.http.resource import JSON, DatorResource, M, Responder, answer_one

MERGE_PATCH = "application/merge-patch+json"


class ItemResource(DatorResource[M]):
    """One resource: read, replace, change and delete it."""

    def representations(self) -> Mapping[str, Responder]:
        """The resource as JSON."""
        return {JSON: self._answer_item}

    def operations(self) -> Mapping[str, Operation]:
        """Read it, replace it, change it and delete it."""
        represented = {JSON: answered(self._schema)}
        conditions = ("If-Match", "If-None-Match")
        problems = (404, 409, 412, *OF_DATOR)
        patch = merge_patch(self._schema)

        def as_it_is(description: str) -> Mapping[int, Answer]:
            return {200: Answer(description, represented, ("ETag",))}

        return {
            "GET": self._reading("Read one.", json=answered(self._schema), problems=(404,)),
            "PUT": Operation(
                "Replace one as a whole.",
                as_it_is("What it is now."),
                (*problems, *OF_BODY),
                headers=conditions,
                body={JSON: given(self._schema)},
            ),
            "PATCH": Operation(
                "Change some members of one; null resets a member to its default.",
                as_it_is("What it is now."),
                (*problems, *OF_BODY),
                headers=conditions,
                body={MERGE_PATCH: patch, JSON: patch},
            ),
            "DELETE": Operation(
                "Delete one.", as_it_is("What was deleted."), problems, headers=conditions
            ),
        }

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
