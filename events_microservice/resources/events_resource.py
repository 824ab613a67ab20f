"""/events: all events."""

from __future__ import annotations

from events_microservice.models.event import Event
from microservice_chassis.http.collection import CollectionResource


class EventsResource(CollectionResource[Event]):
    """List the events, and create one."""

    template = "/events"
