"""The routes of a service, for tests of the edge alone."""

from __future__ import annotations

from microservice_chassis.edge.accept import Offer
from microservice_chassis.edge.routes import Routes

JSON = Offer("application/json")
BOTH = Offer("application/json", "application/x-ndjson")
ROUTES = Routes("events", {"/events": BOTH, "/events/{id}": JSON, "/health/live": JSON})
