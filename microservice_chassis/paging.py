"""Pages of a collection: `limit` and `cursor` in a query, and the link to the next page."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

import falcon.asgi
from bson import ObjectId

from microservice_chassis.problems import Problem
from microservice_chassis.query import query_parameters

DEFAULT_LIMIT = 100
HIGHEST_LIMIT = 1000


class PageQuery(NamedTuple):
    """Which page a client asks for: up to `limit` resources behind `after`."""

    limit: int
    after: ObjectId | None

    @classmethod
    def of(cls, req: falcon.asgi.Request) -> PageQuery:
        """Read it from a request.

        Raises:
            Problem: 400 for a parameter that is unknown, repeated or malformed.
        """
        parameters = query_parameters(req, {"limit", "cursor"})
        return cls(_limit(parameters.get("limit")), _after(parameters.get("cursor")))

    def link_to(self, path: str, last: ObjectId) -> str:
        """Return the Link header (RFC 8288) to the page behind `last`.

        Its target is relative to the server, which need not know its name outside.
        """
        cursor = urlsafe_b64encode(last.binary).decode()
        return f'<{path}?limit={self.limit}&cursor={cursor}>; rel="next"'


def _limit(value: str | None) -> int:
    if value is None:
        return DEFAULT_LIMIT
    if value.isascii() and value.isdigit() and len(value) <= 4 and 1 <= int(value) <= HIGHEST_LIMIT:
        return int(value)
    raise Problem(400, f"The parameter limit must be a number from 1 to {HIGHEST_LIMIT}.")


def _after(value: str | None) -> ObjectId | None:
    if value is None:
        return None
    try:
        return ObjectId(urlsafe_b64decode(value))
    except (ValueError, TypeError):
        detail = "The parameter cursor must be one that a Link header of this collection gave."
        raise Problem(400, detail) from None
