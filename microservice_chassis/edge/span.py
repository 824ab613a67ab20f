"""The span of a request: what the exchange tells whoever records traces, if anybody does."""

from __future__ import annotations

from typing import Protocol

from microservice_chassis.edge.asgi import Scope


class Span(Protocol):
    """One request, as a part of a trace."""

    @property
    def trace_id(self) -> str:
        """The id of the trace, in hex."""

    def end(self, status: int) -> None:
        """Take note of the status of the answer, or of 0 where there is none."""


class Tracer(Protocol):
    """Begins spans."""

    def begin(self, scope: Scope) -> Span:
        """Return the span of a request whose route is known, within the trace that it names."""
