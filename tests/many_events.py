"""Events straight into MongoDB, as the service keeps them: more than anybody would post."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from bson import ObjectId
from pymongo.collection import Collection

from events_microservice.models.event import Event
from microservice_chassis.schema.schema import Schema
from microservice_chassis.storage.codec import DocumentCodec
from tests.examples import EVENT

_BATCH = 10_000
_FIRST_DAY = date(2027, 1, 1)
_DESCRIPTION = "A description of the length that most of them have, in words that say little. " * 3


def fill(collection: Collection[dict[str, Any]], count: int) -> None:
    """Insert so many events, ten of them on each day of ten years."""
    days = list(_documents())
    for start in range(0, count, _BATCH):
        collection.insert_many(
            {**days[number // 10 % len(days)], "_id": ObjectId(), "title": f"Event {number}"}
            for number in range(start, min(start + _BATCH, count))
        )


def _documents() -> Iterator[dict[str, Any]]:
    schema = Schema(Event)
    codec = DocumentCodec(schema, {})
    for number in range(3650):
        day = (_FIRST_DAY + timedelta(days=number)).isoformat()
        event = schema.parse({**EVENT, "description": _DESCRIPTION, "date": day})
        yield {**codec.document(event.with_derived()), "revision": 1}
