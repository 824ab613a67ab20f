"""/events and /events.ics: all events."""

from __future__ import annotations

from collections.abc import Mapping

from events_microservice.models.event import Event
from events_microservice.models.event_dator import EventDator
from events_microservice.resources.calendar import CALENDAR, Feed
from microservice_chassis.http.collection import CollectionResource
from microservice_chassis.http.resource import DatorResource, Responder


class EventsResource(CollectionResource[Event]):
    """List the events, and create one."""

    template = "/events"
    _dator: EventDator

    def representations(self) -> Mapping[str, Responder]:
        """Those of any collection, and a calendar to subscribe to."""
        return {**super().representations(), CALENDAR: Feed(self._dator).answer}


class EventsCalendarResource(DatorResource[Event]):
    """Subscribe to the events with a calendar program, which asks for a path and no more."""

    template = "/events.ics"
    _dator: EventDator

    def representations(self) -> Mapping[str, Responder]:
        """The calendar alone."""
        return {CALENDAR: Feed(self._dator).answer}
