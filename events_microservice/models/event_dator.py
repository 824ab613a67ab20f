"""EventDator: the events collection."""

from __future__ import annotations

from events_microservice.models.event import Event
from microservice_chassis.storage.dator import Dator


class EventDator(Dator[Event]):
    """The events; `starts_at` and `ends_at` are kept as BSON dates beside the local schedule."""

    name = "events"
    model = Event
