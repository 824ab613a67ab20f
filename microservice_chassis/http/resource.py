"""What the resources have in common: the methods they have, and the resources of a dator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from inspect import getdoc
from typing import ClassVar, Generic, TypeVar

import falcon
import falcon.asgi
import msgspec

from microservice_chassis.edge.accept import Offer
from microservice_chassis.edge.asgi import header
from microservice_chassis.edge.conditional import not_modified
from microservice_chassis.errors import UnreadableResource
from microservice_chassis.http.entity_tag import entity_tag
from microservice_chassis.http.operation import OF_DATOR, Operation, read
from microservice_chassis.http.problem_handlers import Problem
from microservice_chassis.schema.member import Keywords, Member
from microservice_chassis.schema.query import QueryParameters
from microservice_chassis.schema.schema import Resource
from microservice_chassis.storage.codec import Stored
from microservice_chassis.storage.dator import Dator

M = TypeVar("M", bound=Resource)

# What answers a request, given what the path names (Falcon: "Responders").
Responder = Callable[..., Awaitable[None]]

JSON = "application/json"
_JSON_ALONE = Offer(JSON)

_encoder = msgspec.json.Encoder()


class BaseResource(ABC):
    """What every resource has in common; those that have a GET have a HEAD, too."""

    # The path that this resource answers, as a template.
    template: str

    # Those that it has a responder for, in the order of the alphabet.
    methods: ClassVar[tuple[str, ...]]

    # The media types that its GET answers.
    offer = _JSON_ALONE

    # Whether it needs no API key.
    is_open: ClassVar[bool] = False

    # Whether what it answers has absolute URLs of the service.
    is_absolute: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.methods = tuple(
            sorted(method for method in falcon.HTTP_METHODS if hasattr(cls, f"on_{method.lower()}"))
        )

    async def negotiate(  # noqa: B027 - there is nothing to do for most
        self, req: falcon.asgi.Request, params: Mapping[str, str]
    ) -> None:
        """Raise a 406 problem where the client does not accept what is answered.

        A resource by itself answers whatever `Accept` says.
        """

    @abstractmethod
    def operations(self) -> Mapping[str, Operation]:
        """Return what its methods do, for the API document: all but HEAD and OPTIONS."""

    async def on_options(
        self, _req: falcon.asgi.Request, resp: falcon.asgi.Response, **_: str
    ) -> None:
        """204: the methods in Allow (RFC 9110, section 9.3.7)."""
        resp.status = falcon.HTTP_204
        resp.set_header("Allow", ", ".join(self.methods))


class DatorResource(BaseResource, Generic[M]):
    """What a collection and an item have in common: representations of what a dator has.

    `representations` says which there are; GET answers the one that the client prefers.
    """

    def __init__(self, dator: Dator[M]) -> None:
        self._dator = dator
        self._schema = dator.schema
        self._representations = self.representations()
        self.offer = Offer(*self._representations)

    @abstractmethod
    def representations(self) -> Mapping[str, Responder]:
        """Return what answers GET by its media type, in the order of the service's preference."""

    async def negotiate(self, req: falcon.asgi.Request, params: Mapping[str, str]) -> None:
        """Raise a 406 problem unless Accept allows what the method answers."""
        # NOTE: the answer to OPTIONS has no content that could be acceptable.
        if req.method == "OPTIONS":
            return
        offer = self.offer if req.method in ("GET", "HEAD") else _JSON_ALONE
        if _chosen(offer, req) is None:
            with suppress(UnreadableResource):
                await self._must_exist(params)
            raise _not_acceptable(offer)

    async def on_get(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, **params: str
    ) -> None:
        """200: the representation that the client prefers; 304 if it has that already."""
        media_type = _chosen(self.offer, req) or self.offer.media_types[0]
        if len(self.offer.media_types) > 1:
            resp.append_header("Vary", "Accept")
        await self._representations[media_type](req, resp, **params)
        answer_conditionally(req, resp)

    on_head = on_get

    def operations(self) -> Mapping[str, Operation]:
        """GET, for what the first line of the class says; a collection's can be filtered."""
        summary, _, _ = (getdoc(type(self)) or "").partition("\n")
        if "{id}" in self.template:
            return {"GET": self._reading(summary, problems=(404,))}
        selecting = QueryParameters(self._dator.query).selecting
        return {"GET": self._reading(summary, parameters=[*selecting.values()])}

    def _reading(
        self,
        summary: str,
        *,
        json: Keywords | None = None,
        headers: Sequence[str] = (),
        parameters: Sequence[Member] = (),
        problems: Sequence[int] = (),
        description: str = "",
    ) -> Operation:
        """Return the operation of GET; `json` is the schema of the JSON that there is."""
        text = {"type": "string"}
        return read(
            summary,
            {each: json if json and each == JSON else text for each in self.offer.media_types},
            headers=("Cache-Status", "Vary", *headers),
            problems=(*OF_DATOR, *problems),
            parameters=parameters,
            description=description,
        )

    async def _must_exist(self, params: Mapping[str, str]) -> None:
        """Raise ResourceNotFound where there is nothing at a path, which is said before a 406."""
        if "id" in params:
            await self._dator.find(params["id"])


def answer_conditionally(req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
    """Make a 304 of an answer with an entity tag that the client names in If-None-Match."""
    etag = resp.get_header("ETag")
    if etag is None:
        return
    # NOTE: a cache in front has to ask, with the entity tag, each time.
    if resp.get_header("Cache-Control") is None:
        resp.set_header("Cache-Control", "no-cache")
    condition = header(req.scope["headers"], b"if-none-match")
    if condition is not None and not_modified(condition, etag.encode()):
        resp.status = falcon.HTTP_304
        resp.data = None
        resp.delete_header("Content-Type")


def _chosen(offer: Offer, req: falcon.asgi.Request) -> str | None:
    return offer.choose(header(req.scope["headers"], b"accept"))


def _not_acceptable(offer: Offer) -> Problem:
    """Return the problem that an Accept allows nothing of what there is."""
    *others, last = offer.media_types
    there_is = f"{', '.join(others)} or {last}" if others else last
    return Problem(
        406,
        f"The answer is {there_is}; Accept must allow it.",
        headers={"Vary": "Accept"} if others else {},
    )


def answer_one(resp: falcon.asgi.Response, stored: Stored[M] | Stored[Resource]) -> str:
    """Answer one resource with its entity tag, and return its id."""
    identifier = stored.resource.id
    resp.etag = entity_tag(identifier, stored.revision)
    resp.data = _encoder.encode(stored.resource)
    return identifier


def answer_all(resp: falcon.asgi.Response, stored: Sequence[Stored[M]]) -> None:
    """Answer several resources, in their order."""
    resp.data = _encoder.encode([each.resource for each in stored])
