"""What the resource of a collection and that of an item have in common."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

import falcon
import falcon.asgi
import msgspec

from microservice_chassis.schema.schema import Resource
from microservice_chassis.storage.codec import Stored
from microservice_chassis.storage.dator import Dator

M = TypeVar("M", bound=Resource)

_encoder = msgspec.json.Encoder()


class BaseResource(Generic[M]):
    """What a collection and an item have in common."""

    allow: ClassVar[str]

    # The path that this resource answers, as a template.
    template: ClassVar[str]

    def __init__(self, dator: Dator[M]) -> None:
        self._dator = dator
        self._schema = dator.schema

    async def on_options(
        self, _req: falcon.asgi.Request, resp: falcon.asgi.Response, **_: str
    ) -> None:
        """204: the methods in Allow (RFC 9110, section 9.3.7)."""
        resp.status = falcon.HTTP_204
        resp.set_header("Allow", self.allow)


def answer_one(resp: falcon.asgi.Response, stored: Stored[M] | Stored[Resource]) -> str:
    """Answer one resource with its entity tag, and return its id.

    The tag is strong (RFC 9110, section 8.8.3): the id keeps it from being equal
    to that of another resource, the revision changes with each change.
    """
    identifier = stored.resource.id
    resp.etag = f"{identifier}-{stored.revision}"
    resp.data = _encoder.encode(stored.resource)
    return identifier
