"""/openapi.json: the API document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import falcon.asgi
import msgspec

from microservice_chassis.http.entity_tag import content_tag
from microservice_chassis.http.operation import Operation, read
from microservice_chassis.http.query import query_parameters
from microservice_chassis.http.reference import absolute_url
from microservice_chassis.http.resource import JSON, BaseResource, answer_conditionally


class OpenApiResource(BaseResource):
    """The API document, made when it is first asked for."""

    template = "/openapi.json"
    is_open = True

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        """`make` returns the document without its servers, as it becomes JSON."""
        self._make = make

    def operations(self) -> Mapping[str, Operation]:
        """Read it."""
        return {"GET": read("This document (OpenAPI 3.1).", {JSON: {"type": "object"}})}

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200: the document; 304 if the client has it already."""
        query_parameters(req)
        servers = [{"url": absolute_url(req, "")}]
        resp.data = msgspec.json.encode({**self._document, "servers": servers})
        resp.etag = content_tag(resp.data)
        answer_conditionally(req, resp)

    on_head = on_get

    @cached_property
    def _document(self) -> Mapping[str, Any]:
        # NOTE: to make it takes thirty times as long as to write it down. So that is done once, and
        #   a client that makes up hosts has only what it says itself written each time.
        return self._make()
