"""/openapi.json: the API document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import falcon.asgi
import msgspec

from microservice_chassis.http.entity_tag import content_tag
from microservice_chassis.http.operation import Operation, read
from microservice_chassis.http.query import query_parameters
from microservice_chassis.http.reference import absolute_url
from microservice_chassis.http.resource import JSON, BaseResource, answer_conditionally

# At how many addresses clients may reach a service without its document being written again.
_ADDRESSES = 8


class OpenApiResource(BaseResource):
    """The API document, made when it is first asked for."""

    template = "/openapi.json"
    is_open = True

    def __init__(self, make: Callable[[str], Mapping[str, Any]]) -> None:
        """`make` returns the document of a service at a URL, as it becomes JSON."""
        self._make = make
        self._text = lru_cache(_ADDRESSES)(self._encoded)

    def operations(self) -> Mapping[str, Operation]:
        """Read it."""
        return {"GET": read("This document (OpenAPI 3.1).", {JSON: {"type": "object"}})}

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200: the document; 304 if the client has it already."""
        query_parameters(req)
        resp.data, resp.etag = self._text(absolute_url(req, ""))
        answer_conditionally(req, resp)

    on_head = on_get

    def _encoded(self, server: str) -> tuple[bytes, str]:
        """Return the JSON of the document, and its entity tag."""
        text = msgspec.json.encode(self._make(server))
        return text, content_tag(text)
