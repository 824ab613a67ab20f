"""What the resources have in common: the methods they have, and the resources of a dator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import ClassVar, Generic, TypeVar

import falcon
import falcon.asgi
import msgspec

from microservice_chassis.edge.accept import accepts_json
from microservice_chassis.errors import UnreadableResource
from microservice_chassis.http.entity_tag import entity_tag
from microservice_chassis.http.problem_handlers import Problem
from microservice_chassis.schema.schema import Resource
from microservice_chassis.storage.codec import Stored
from microservice_chassis.storage.dator import Dator

M = TypeVar("M", bound=Resource)

_encoder = msgspec.json.Encoder()


class BaseResource:
    """What every resource has in common; those that have a GET have a HEAD, too."""

    # The path that this resource answers, as a template.
    template: ClassVar[str]

    # Those that it has a responder for, in the order of the alphabet.
    methods: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.methods = tuple(
            sorted(method for method in falcon.HTTP_METHODS if hasattr(cls, f"on_{method.lower()}"))
        )

    async def negotiate(self, req: falcon.asgi.Request, params: Mapping[str, str]) -> None:
        """Raise a 406 problem where the client does not accept what is answered.

        A resource by itself answers whatever `Accept` says.
        """

    async def on_options(
        self, _req: falcon.asgi.Request, resp: falcon.asgi.Response, **_: str
    ) -> None:
        """204: the methods in Allow (RFC 9110, section 9.3.7)."""
        resp.status = falcon.HTTP_204
        resp.set_header("Allow", ", ".join(self.methods))


class DatorResource(BaseResource, Generic[M]):
    """What a collection and an item have in common: they answer in JSON what a dator has."""

    def __init__(self, dator: Dator[M]) -> None:
        self._dator = dator
        self._schema = dator.schema

    async def negotiate(self, req: falcon.asgi.Request, params: Mapping[str, str]) -> None:
        """Raise a 406 problem unless Accept allows application/json."""
        # NOTE: the answer to OPTIONS has no content that could be acceptable.
        if accepts_json(req.scope["headers"]) or req.method == "OPTIONS":
            return
        with suppress(UnreadableResource):
            await self._must_exist(params)
        raise Problem(406, "The answer is application/json; Accept must allow it.")

    async def _must_exist(self, params: Mapping[str, str]) -> None:
        """Raise ResourceNotFound where there is nothing at a path, which is said before a 406."""


def answer_one(resp: falcon.asgi.Response, stored: Stored[M] | Stored[Resource]) -> str:
    """Answer one resource with its entity tag, and return its id."""
    identifier = stored.resource.id
    resp.etag = entity_tag(identifier, stored.revision)
    resp.data = _encoder.encode(stored.resource)
    return identifier


def answer_all(resp: falcon.asgi.Response, stored: Sequence[Stored[M]]) -> None:
    """Answer several resources, in their order."""
    resp.data = _encoder.encode([each.resource for each in stored])
