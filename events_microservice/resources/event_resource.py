"""/events/{id}: one event."""

from __future__ import annotations

from events_microservice.models.event import Event
from microservice_chassis.http.item import ItemResource


class EventResource(ItemResource[Event]):
    """Read, replace, change and delete one event."""

    template = "/events/{id}"
