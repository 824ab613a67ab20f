"""Privacy: what a key was needed for, no shared cache keeps."""

from __future__ import annotations

from typing import Any

import falcon.asgi

from microservice_chassis.edge.keys import KEY

NO_STORE = "no-store"


class Privacy:
    """Marks the answers to requests with an API key as private (RFC 9111, section 5.2.2.7)."""

    # NOTE: by section 3.5 no shared cache keeps the answer to a request with Authorization; this
    #   says it, too, to one that has never heard of that. The response cache keeps it with the
    #   answer, so that a hit need not be marked again.

    async def process_response(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,
        _resource: Any,  # a BaseResource, or None; Falcon knows of objects only
        _succeeded: bool,
    ) -> None:
        """Add `private`, unless nobody keeps the answer anyway."""
        if KEY not in req.scope:
            return
        said = resp.get_header("Cache-Control")
        if said != NO_STORE:
            resp.set_header("Cache-Control", f"{said}, private" if said else "private")
