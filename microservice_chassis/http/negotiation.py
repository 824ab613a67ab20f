"""Content negotiation, and whether there is a method at all, before a resource does anything."""

from __future__ import annotations

from typing import Any

import falcon
import falcon.asgi


class Negotiation:
    """Refuses a request whose method its resource does not have, or whose client accepts no answer.

    What leads to no resource has been refused with 404 before.
    """

    async def process_resource(
        self,
        req: falcon.asgi.Request,
        _resp: falcon.asgi.Response,
        resource: Any,  # a BaseResource; Falcon knows of objects only
        params: dict[str, Any],
    ) -> None:
        """Raise a 405 or, as the resource decides, a 406 problem."""
        if req.method not in resource.methods:
            # NOTE: Falcon has this answer only for the methods that it knows.
            raise falcon.HTTPMethodNotAllowed(resource.methods)
        await resource.negotiate(req, params)
