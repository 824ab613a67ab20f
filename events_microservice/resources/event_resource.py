"""/events/{id} and /events/{id}.ics: one event."""

from __future__ import annotations

from collections.abc import Mapping

from events_microservice.models.event import Event
from events_microservice.models.event_dator import EventDator
from events_microservice.resources.calendar import CALENDAR, SingleEvent
from microservice_chassis.http.item import ItemResource
from microservice_chassis.http.resource import DatorResource, Responder


class EventResource(ItemResource[Event]):
    """Read, replace, change and delete one event."""

    template = "/events/{id}"
    _dator: EventDator

    def representations(self) -> Mapping[str, Responder]:
        """Those of any item, and a calendar of it."""
        return {**super().representations(), CALENDAR: SingleEvent(self._dator).answer}


class EventCalendarResource(DatorResource[Event]):
    """Put one event into a calendar."""

    template = "/events/{id}.ics"
    is_absolute = True
    _dator: EventDator

    def representations(self) -> Mapping[str, Responder]:
        """The calendar alone."""
        return {CALENDAR: SingleEvent(self._dator).answer}
