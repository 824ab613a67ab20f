"""EventDator: the events collection."""

from __future__ import annotations

from datetime import UTC, datetime

from events_microservice.models import schedule
from events_microservice.models.event import Event
from microservice_chassis.storage.codec import Stored
from microservice_chassis.storage.dator import Dator, Encode

# An event as the collection holds it.
StoredEvent = Stored[Event]


class EventDator(Dator[Event]):
    """The events; `starts_at` and `ends_at` are kept as BSON dates beside the local schedule."""

    name = "events"
    model = Event

    async def upcoming(self, limit: int, encode: Encode[Event]) -> list[bytes]:
        """Return what `encode` makes of up to `limit` events that have not ended before today.

        Today is that of the zone of events that name none; the events are in the order of creation,
        without those that cannot be read.
        """
        timezone = self.schema.defaults["timezone"]
        today = datetime.now(UTC).astimezone(schedule.zone(timezone)).date().isoformat()
        begins_at = schedule.instants(today, "00:00:00", timezone, None).starts_at
        return (await self._page({"ends_at": {"$gte": begins_at}}, limit, encode)).representations
