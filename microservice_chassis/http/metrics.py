"""Metrics of a service, for Prometheus and what reads its formats."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import falcon.asgi

from microservice_chassis.edge.accept import Offer
from microservice_chassis.http.operation import Answer, Operation
from microservice_chassis.http.problem_handlers import Problem
from microservice_chassis.http.resource import BaseResource

# Returns the text for an Accept, and its media type; None where there are no metrics.
Render = Callable[[str], Awaitable[tuple[bytes, str] | None]]


class MetricsResource(BaseResource):
    """What all workers together have counted."""

    template = "/metrics"
    offer = Offer("text/plain", "application/openmetrics-text")

    def __init__(self, render: Render) -> None:
        self._render = render

    def operations(self) -> Mapping[str, Operation]:
        """Read them."""
        content = {media_type: {"type": "string"} for media_type in self.offer.media_types}
        answer = Answer("The metrics of all workers.", content, ("Cache-Control",))
        return {"GET": Operation("What all workers together have counted.", {200: answer}, (503,))}

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200: the text in the format that Accept names, else in Prometheus' 0.0.4."""
        rendered = await self._render(req.get_header("Accept") or "")
        if rendered is None:
            raise Problem(
                503,
                "The workers count by themselves; PROMETHEUS_MULTIPROC_DIR must be a directory.",
            )
        resp.data, resp.content_type = rendered
        resp.set_header("Cache-Control", "no-store")
        resp.append_header("Vary", "Accept")

    on_head = on_get
