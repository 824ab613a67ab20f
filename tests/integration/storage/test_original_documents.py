"""Documents of the original EventPost are read, and can be changed, as they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.schema.patch import Patch
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.dator import Dator
from tests.examples import LEGACY_EVENT, LEGACY_NOTIFICATION
from tests.kinds import EVENTS, NOTIFICATIONS, Kind


async def test_a_document_of_the_original_is_read_and_can_be_changed(
    kind: Kind, dator: Dator[Any]
) -> None:
    identifier = ObjectId.from_datetime(datetime(2019, 5, 1, tzinfo=UTC))
    await dator.collection.insert_one({"_id": identifier, **kind.legacy})
    found = await dator.find(str(identifier))
    assert found.revision == 0
    assert found.resource.created_at == datetime(2019, 5, 1, tzinfo=UTC)
    assert found.resource.updated_at == datetime(2019, 5, 1, tzinfo=UTC)
    assert (await dator.page(dator.query(limit=10))).representations == [
        msgspec.json.encode(found.resource)
    ]
    changed = await dator.patch(str(identifier), Patch({kind.text: "Another text"}))
    assert changed.revision == 1
    assert changed.resource.created_at == found.resource.created_at
    assert (await dator.delete(str(identifier))) == changed


async def test_an_original_event_has_its_defaults_and_its_instants(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database, {"timezone": "Europe/Berlin"})
    identifier = ObjectId()
    await dator.collection.insert_one({"_id": identifier, **LEGACY_EVENT})
    event = (await dator.find(str(identifier))).resource
    assert (event.time, event.place, event.organizer, event.topics) == ("19:30:00", "", "", "")
    assert event.starts_at == event.ends_at == datetime(2019, 6, 1, 17, 30, tzinfo=UTC)


async def test_the_zone_of_an_original_event_does_not_change_with_the_setting(
    database: AsyncDatabase[Document],
) -> None:
    identifier = ObjectId()
    before = EVENTS.dator(database, {"timezone": "Europe/Berlin"})
    await before.collection.insert_one({"_id": identifier, **LEGACY_EVENT})
    found = await before.find(str(identifier))
    after = EVENTS.dator(database, {"timezone": "Asia/Tokyo"})
    assert await after.find(str(identifier)) == found
    assert after.schema.parse(LEGACY_EVENT).timezone == "Asia/Tokyo"


async def test_an_original_notification_is_answered_in_utc(
    database: AsyncDatabase[Document],
) -> None:
    dator = NOTIFICATIONS.dator(database)
    identifier = ObjectId()
    await dator.collection.insert_one({"_id": identifier, **LEGACY_NOTIFICATION})
    notification = (await dator.find(str(identifier))).resource
    assert notification.scheduled_time == datetime(2019, 6, 1, 17, 30, tzinfo=UTC)
    assert (notification.status, notification.attempts) == ("pending", 0)
