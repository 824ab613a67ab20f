"""What a client must accept."""

from __future__ import annotations

import falcon.asgi

from microservice_chassis.edge.accept import accepts_json
from microservice_chassis.http.problem_handlers import Problem


class AcceptJson:
    """Refuses, before anything is done, a request whose client does not accept JSON."""

    async def process_request(self, req: falcon.asgi.Request, _resp: falcon.asgi.Response) -> None:
        """Raise a 406 problem unless Accept allows application/json."""
        if not accepts_json(req.scope["headers"]):
            raise Problem(406, "The answer is application/json; Accept must allow it.")
