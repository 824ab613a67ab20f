"""Pages of a collection: `limit` and `cursor` in a query, and the link to the next page."""

from __future__ import annotations

from typing import NamedTuple

import falcon.asgi

from microservice_chassis.http.problem_handlers import Problem
from microservice_chassis.http.query import query_parameters
from microservice_chassis.schema.shown import shown

DEFAULT_LIMIT = 100
HIGHEST_LIMIT = 1000


class PageQuery(NamedTuple):
    """Which page a client asks for: up to `limit` resources behind a cursor, which is opaque."""

    limit: int
    cursor: str | None

    @classmethod
    def of(cls, req: falcon.asgi.Request) -> PageQuery:
        """Read it from a request.

        Raises:
            Problem: 400 for a parameter that is unknown, repeated or malformed.
        """
        parameters = query_parameters(req, {"limit", "cursor"})
        return cls(_limit(parameters.get("limit")), parameters.get("cursor"))

    def link_to(self, path: str, cursor: str) -> str:
        """Return the Link header (RFC 8288) to the page behind `cursor`.

        Its target is relative to the server, which need not know its name outside.
        """
        return f'<{path}?limit={self.limit}&cursor={cursor}>; rel="next"'


def _limit(value: str | None) -> int:
    if value is None:
        return DEFAULT_LIMIT
    if value.isascii() and value.isdigit() and len(value) <= 4 and 1 <= int(value) <= HIGHEST_LIMIT:
        return int(value)
    raise Problem(
        400,
        f"The parameter limit must be a number from 1 to {HIGHEST_LIMIT}; it is {shown(value)}.",
    )
