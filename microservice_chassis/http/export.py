"""The export: a whole collection as a stream of JSON texts, one on each line (NDJSON)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Generic, TypeVar

import falcon.asgi

from microservice_chassis.edge.stream import CutOff
from microservice_chassis.errors import DomainError
from microservice_chassis.http.problem_handlers import Problem
from microservice_chassis.http.query import query_parameters
from microservice_chassis.schema.query import QueryParameters
from microservice_chassis.schema.schema import Resource
from microservice_chassis.storage.dator import Dator

M = TypeVar("M", bound=Resource)

NDJSON = "application/x-ndjson"


class Export(Generic[M]):
    """All the resources that a query selects, however many they are, in constant memory."""

    def __init__(self, dator: Dator[M]) -> None:
        self._dator = dator
        self._query = QueryParameters(dator.query)

    async def answer(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200: a line for each resource that the query selects, in its order.

        An export that is cut off ends without its last chunk (RFC 9112, section 7.1), so that the
        client notices. It has no entity tag, which would have to be known before the end.

        Raises:
            Problem: 426 where chunks cannot be sent.
        """
        query = self._query.parse(query_parameters(req, self._query.selecting))
        if req.scope["http_version"] == "1.0":
            raise Problem(
                426,
                "The export is sent in chunks, which HTTP/1.0 does not have: a client that is cut"
                " off would not notice. Ask for it with HTTP/1.1.",
                headers={"Upgrade": "HTTP/1.1"},
            )
        resp.content_type = NDJSON
        resp.set_header("Cache-Control", "no-store")
        pages = self._dator.walk(query)
        # NOTE: what goes wrong before there is anything to send is a problem as any other.
        first = await anext(pages)
        resp.stream = _lines(first, pages)


async def _lines(first: list[bytes], others: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
    """Yield the lines of each page.

    Raises:
        CutOff: not all of them can be had.
    """
    yield _text(first)
    try:
        async for page in others:
            yield _text(page)
    except DomainError as error:
        raise CutOff(str(error)) from error


def _text(page: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in page)
