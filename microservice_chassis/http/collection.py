"""The resource of a collection: list it, and create in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import falcon
import falcon.asgi

from microservice_chassis.edge.keys import KEY
from microservice_chassis.http.bulk import MOST_ELEMENTS, Bulk
from microservice_chassis.http.entity_tag import content_tag
from microservice_chassis.http.export import NDJSON, Export
from microservice_chassis.http.idempotency import digest, idempotency_key
from microservice_chassis.http.operation import (
    OF_BODY,
    OF_DATOR,
    Answer,
    Operation,
    answered,
    given,
)
from microservice_chassis.http.paging import answer_total, link_to_next
from microservice_chassis.http.query import query_parameters
from microservice_chassis.http.reference import reference
from microservice_chassis.http.request_body import is_array, parse_object, read_body
from microservice_chassis.http.resource import (
    JSON,
    DatorResource,
    M,
    Responder,
    answer_all,
    answer_one,
)
from microservice_chassis.schema.query import QueryParameters
from microservice_chassis.storage.codec import Stored
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.insertion import Submission


class CollectionResource(DatorResource[M]):
    """All the resources of one kind: list them, and create one or several."""

    def __init__(self, dator: Dator[M]) -> None:
        super().__init__(dator)
        self._bulk = Bulk()

    def representations(self) -> Mapping[str, Responder]:
        """A page as JSON, and everything as NDJSON."""
        self._query = QueryParameters(self._dator.query)
        return {JSON: self._answer_page, NDJSON: Export(self._dator).answer}

    def operations(self) -> Mapping[str, Operation]:
        """List what there is, and create one or several."""
        one, several = given(self._schema), {"type": "array", "items": answered(self._schema)}
        array = {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_ELEMENTS}
        created = Answer(
            "Created: one resource, or for an array all of them, in its order.",
            {JSON: {"oneOf": [answered(self._schema), several]}},
            ("Location", "ETag"),
            f"{self.template}/{{id}}",
        )
        return {
            "GET": self._reading(
                "List what parameters select.",
                json=several,
                headers=("Link", "Total-Count", "Total-Count-Precision"),
                parameters=[*self._query.members.values()],
                problems=(426,),
                description=f"{JSON} comes in pages; {NDJSON} has one resource in each line, and"
                " all of them, so that there is no limit, cursor or count.",
            ),
            "POST": Operation(
                "Create one, or several at once: all of them or none.",
                {201: created},
                (409, *OF_BODY, *OF_DATOR),
                headers=("Idempotency-Key",),
                body={JSON: {"oneOf": [one, array]}},
            ),
        }

    async def _answer_page(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200: one page of what the query selects, in its order; Link leads to the next."""
        parameters = query_parameters(req, self._query.members)
        query = self._query.parse(parameters)
        page = await self._dator.page(query)
        if page.next:
            path = reference(req, self.template)
            link = link_to_next(path, parameters, query.limit, page.next)
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
        """201: the resource that was created, or those that an array describes, all or none.

        Location says where the one is. A repeat with the same Idempotency-Key answers the same.
        """
        query_parameters(req)
        key, owner = idempotency_key(req), req.scope.get(KEY)
        body = await read_body(req, array=True)
        if is_array(body):
            elements = await self._bulk.elements(body)
            described = partial(self._bulk.parse, self._schema, elements)
            submission = Submission(key, digest(body), described, owner)
            answer_all(resp, await self._dator.create(submission))
        else:
            stored = await self._create_one(key, body, owner)
            resp.location = reference(req, f"{self.template}/{answer_one(resp, stored)}")
        resp.status = falcon.HTTP_201

    async def _create_one(self, key: str | None, body: bytes, owner: str | None) -> Stored[M]:
        document = parse_object(body)
        if key is None:
            return await self._dator.insert(self._schema.parse(document))

        async def described(defaults: Mapping[str, Any]) -> list[M]:
            return [self._schema.parse(document, defaults)]

        (stored,) = await self._dator.create(Submission(key, digest(body), described, owner))
        return stored
