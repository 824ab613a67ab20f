"""EventDator: the events collection."""

from __future__ import annotations

from contextlib import suppress

from events_microservice.models import schedule
from events_microservice.models.event import Event
from microservice_chassis.database import Document
from microservice_chassis.dator import Dator


class EventDator(Dator[Event]):
    """The events; `starts_at` and `ends_at` are derived when an event is read.

    An event of the original EventPost whose schedule cannot be understood
    is answered as it is, without instants.
    """

    def _answered(self, members: Document) -> Document:
        with suppress(ValueError):
            members["time"] = schedule.local_time(members["time"])
        with suppress(ValueError):
            members |= schedule.instants(
                members["date"], members["time"], members["timezone"], members["duration"]
            )._asdict()
        return members
