"""Documents of earlier forms are brought into today's, and nothing about them changes."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from bson import ObjectId
from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.caching.no_store import NoStore
from microservice_chassis.errors import UnreadableResource
from microservice_chassis.process.background import Background
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import Document, connect
from microservice_chassis.storage.codec import FORM, Stored
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.migrations import MIGRATIONS, Step
from microservice_chassis.storage.version_stamps import Change
from tests.commands import Commands
from tests.examples import EVENT, LEGACY_EVENT, LEGACY_NOTIFICATION, NOTIFICATION
from tests.kinds import EVENTS, KINDS, NOTIFICATIONS
from tests.migrators import Refused, migration
from tests.odd_documents import odd_document
from tests.remembered_stamps import RememberedStamps

# What 1.0 wrote: strings, and what it recorded.
RECORDED = {
    "revision": 3,
    "created_at": datetime(2025, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
    "updated_at": datetime(2025, 2, 2, tzinfo=UTC),
}
EVENT_1_0 = {**EVENT, **RECORDED}
NOTIFICATION_1_0 = {**NOTIFICATION, **RECORDED}
EXACT = "2027-05-01T16:00:00.123456Z"


class HeldBehindTheFirst(NoStore):
    """Stamps with which the second write never begins."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._first = True

    @asynccontextmanager
    async def change(self, *_names: str, insert: bool = False) -> AsyncIterator[Change]:  # noqa: ARG002
        if not self._first:
            self.reached.set()
            await asyncio.Event().wait()
        self._first = False
        yield Change()


async def pages(dator: Dator[Any]) -> list[bytes]:
    return (await dator.page(dator.query(limit=1000))).representations


async def fill(dator: Dator[Any], *documents: Document) -> list[ObjectId]:
    return list(
        (await dator.collection.insert_many([dict(each) for each in documents])).inserted_ids
    )


def test_the_newest_migration_leads_to_todays_form() -> None:
    assert [each.number for each in MIGRATIONS] == list(range(1, FORM + 1))


async def test_what_takes_longer_with_more_documents_has_no_time_limit(
    mongodb: EmbeddedMongoDB, database: AsyncDatabase[Document]
) -> None:
    commands = Commands()
    async with connect(mongodb.uri, [commands]) as client:
        dator = EVENTS.dator(client[database.name])
        await fill(dator, LEGACY_EVENT)
        assert await migration(dator).run()
    # The counts of what waits are aggregations.
    for name, least in (("createIndexes", 2), ("aggregate", 2)):
        asked = commands.of(name)
        assert len(asked) >= least
        assert not any("maxTimeMS" in each for each in asked), name
    # Every other operation has one.
    assert all("maxTimeMS" in each for each in commands.of("update"))


@pytest.mark.parametrize(
    ("name", "documents"),
    [
        ("events", [LEGACY_EVENT, EVENT_1_0, {**EVENT, "location": None, "duration": None}]),
        ("notifications", [LEGACY_NOTIFICATION, NOTIFICATION_1_0]),
    ],
)
async def test_no_representation_and_no_entity_tag_changes(
    database: AsyncDatabase[Document], name: str, documents: list[Document]
) -> None:
    dator = KINDS[name].dator(database, {"timezone": "Asia/Tokyo"} if name == "events" else {})
    keys = await fill(dator, *documents)
    before = [await dator.find(str(key)) for key in keys], await pages(dator)
    assert await migration(dator).run()
    after = [await dator.find(str(key)) for key in keys], await pages(dator)
    assert [(each.resource, each.revision) for each in after[0]] == [
        (each.resource, each.revision) for each in before[0]
    ]
    assert after[1] == before[1]
    assert {each.form for each in after[0]} == {FORM}
    async for document in dator.collection.find({}):
        times = [name for name in document if name.endswith("_at") or name == "scheduled_time"]
        assert all(isinstance(document[name], datetime) for name in times)
        assert len(times) >= 3
        assert isinstance(document["revision"], int)


async def test_the_zone_of_an_original_event_is_written_down(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database, {"timezone": "Asia/Tokyo"})
    await fill(dator, LEGACY_EVENT)
    await migration(dator).run()
    document = await dator.collection.find_one({})
    assert document is not None
    assert document["timezone"] == "Asia/Tokyo"
    assert document["starts_at"] == datetime(2019, 6, 1, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("recorded", "is_due"),
    [({}, True), ({"attempts": 2}, False), ({"status": "sent"}, False), ({"status": "x"}, False)],
)
async def test_a_notification_that_nobody_has_tried_to_send_is_due_at_its_time(
    database: AsyncDatabase[Document], recorded: Document, is_due: bool
) -> None:
    dator = NOTIFICATIONS.dator(database)
    keys = await fill(dator, LEGACY_NOTIFICATION | recorded, NOTIFICATION_1_0 | recorded)
    await migration(dator).run()
    for key in keys:
        document = await dator.collection.find_one({"_id": key})
        assert document is not None
        assert document.get("due_at") == (document["scheduled_time"] if is_due else None)


async def test_where_microseconds_are_cut_the_revision_is_another(
    database: AsyncDatabase[Document],
) -> None:
    dator = NOTIFICATIONS.dator(database)
    (key,) = await fill(dator, {**NOTIFICATION_1_0, "scheduled_time": EXACT})
    before = await dator.find(str(key))
    assert json.loads((await pages(dator))[0])["scheduled_time"] == EXACT
    await migration(dator).run()
    after = await dator.find(str(key))
    assert (before.revision, after.revision) == (3, 4)
    assert after.resource.scheduled_time.microsecond == 123000


async def test_the_stamps_of_what_is_revised_change_and_no_others(
    database: AsyncDatabase[Document],
) -> None:
    dator = NOTIFICATIONS.dator(database)
    exact, _ = await fill(dator, {**NOTIFICATION_1_0, "scheduled_time": EXACT}, NOTIFICATION_1_0)
    stamps = RememberedStamps()
    await migration(dator, stamps).run()
    assert stamps.changed == {"notifications", f"notifications/{exact}"}


async def test_one_can_see_how_many_documents_are_still_to_go(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database)
    await fill(dator, *[LEGACY_EVENT] * 150)
    seen: list[int] = []

    class Watching(NoStore):
        def change(self, *_names: str, insert: bool = False) -> AbstractAsyncContextManager[Change]:  # noqa: ARG002
            seen.append(migrator.to_go)
            return nullcontext(Change())

    migrator = migration(dator, Watching())
    await migrator.run()
    assert seen == [150, 50]
    assert migrator.to_go == 0


async def test_what_cannot_be_read_is_named_and_left_as_it_is(
    database: AsyncDatabase[Document], caplog: pytest.LogCaptureFixture
) -> None:
    dator = EVENTS.dator(database)
    odd = {**LEGACY_EVENT, "date": "a day in June"}
    keys = await fill(dator, LEGACY_EVENT, odd, {**EVENT, "_id": "text"}, LEGACY_EVENT)
    for _ in range(2):  # the second time there is nothing else to do
        with caplog.at_level(logging.INFO):
            await migration(dator).run()
        assert f"events/{keys[1]} cannot be read: /date must be" in caplog.text
        assert "events/text cannot be read: /id must be" in caplog.text
        caplog.clear()
    assert await dator.collection.find_one({"_id": keys[1]}) == odd | {"_id": keys[1]}
    assert await dator.collection.count_documents({"form": FORM}) == 2


async def test_of_the_workers_of_a_service_one_names_what_cannot_be_read(
    database: AsyncDatabase[Document], caplog: pytest.LogCaptureFixture
) -> None:
    dator = EVENTS.dator(database)
    (key,) = await fill(dator, {**LEGACY_EVENT, "date": "a day in June"})
    workers = [migration(dator) for _ in range(7)]
    with caplog.at_level(logging.INFO):
        for worker in workers:
            assert await worker.run()
        assert caplog.text.count(str(key)) == 1
        await fill(dator, LEGACY_EVENT)
        assert await workers[-1].run()
    assert await dator.collection.count_documents({"form": FORM}) == 1


async def test_a_survey_counts_and_names_and_changes_nothing(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database)
    today = await dator.insert(dator.schema.parse(EVENT))
    keys = await fill(dator, LEGACY_EVENT, EVENT_1_0, {**EVENT, "title": 7})
    before = [document async for document in dator.collection.find({})]
    waiting, unreadable = await migration(dator).survey()
    assert waiting == 2
    assert (unreadable.count, unreadable.unnamed) == (1, 0)
    assert unreadable.named[0].startswith(f"{keys[2]} cannot be read: /title must be")
    assert [document async for document in dator.collection.find({})] == before
    assert await dator.find(today.resource.id) == today


async def test_a_document_that_changes_meanwhile_is_not_overwritten(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database)
    (key,) = await fill(dator, LEGACY_EVENT)
    raw = await dator.collection.with_options(codec_options=DEFAULT_RAW_BSON_OPTIONS).find_one(
        {"_id": key}
    )
    assert raw is not None
    step = Step.of(bytes(raw.raw), await dator.codec())
    for change in ({"time": "21:00"}, {"revision": 1}, {"duration": "PT1H"}, {"form": FORM}):
        await dator.collection.update_one({"_id": key}, {"$set": change})
        result = await dator.collection.update_one(step.condition, {"$set": step.values})
        assert result.matched_count == 0
        await dator.collection.replace_one({"_id": key}, LEGACY_EVENT)
    result = await dator.collection.update_one(step.condition, {"$set": step.values})
    assert result.modified_count == 1


async def test_several_at_once_do_no_harm_and_share_no_work(
    database: AsyncDatabase[Document], caplog: pytest.LogCaptureFixture
) -> None:
    dators = [EVENTS.dator(database) for _ in range(4)]
    await fill(dators[0], *[{**LEGACY_EVENT, "title": f"Event {n}"} for n in range(1000)])
    before = await pages(dators[0])
    with caplog.at_level(logging.INFO):
        results = await asyncio.gather(*(migration(dator).run() for dator in dators))
    assert True in results
    assert await pages(dators[0]) == before
    assert await dators[0].collection.count_documents({"form": FORM}) == 1000
    assert caplog.text.count("is through: 1000 documents") == 1


async def test_a_migration_that_was_ended_goes_on_where_it_was(
    database: AsyncDatabase[Document], caplog: pytest.LogCaptureFixture
) -> None:
    dator = EVENTS.dator(database)
    await fill(dator, *[LEGACY_EVENT | {"title": f"Event {n}"} for n in range(3000)])
    held = HeldBehindTheFirst()
    background = Background([migration(dator, held)])
    await background.start()
    async with asyncio.timeout(30):
        await held.reached.wait()
    await background.stop()
    with caplog.at_level(logging.INFO):
        assert await migration(dator).run()
    left = re.search(r"(\d+) documents to go", caplog.text)
    assert left
    assert 0 < int(left[1]) < 3000
    assert await dator.collection.count_documents({"form": FORM}) == 3000


async def test_a_database_that_is_too_new_is_refused(database: AsyncDatabase[Document]) -> None:
    await EVENTS.dator(database).codec()
    await database["Deployment"].update_one({}, {"$set": {"form": FORM + 1}})
    task = migration(EVENTS.dator(database))
    with pytest.raises(Refused):
        await task.until_through()


async def found(dator: Dator[Any], key: ObjectId) -> Stored[Any] | None:
    """A resource, or None where what is kept cannot be read."""
    try:
        return await dator.find(str(key))
    except UnreadableResource:
        return None


@pytest.mark.parametrize("name", KINDS)
async def test_random_documents_read_alike_on_every_path_before_and_after_a_migration(
    database: AsyncDatabase[Document], name: str
) -> None:
    kind = KINDS[name]
    dice = random.Random(2027)
    dator = kind.dator(database)
    keys = await fill(dator, *[odd_document(dice, kind.example) for _ in range(600)])
    keys += await fill(dator, *[kind.legacy] * 10)
    before = [await found(dator, key) for key in keys]
    for _ in range(2):  # the second time from what is remembered
        assert await pages(dator) == [msgspec.json.encode(one.resource) for one in before if one]
    assert await migration(dator).run()
    after = [await found(dator, key) for key in keys]
    assert await pages(dator) == [msgspec.json.encode(one.resource) for one in after if one]
    assert [one is None for one in before] == [one is None for one in after]
    assert 100 < sum(one is not None for one in after) < 600
    for old, new in zip(before, after, strict=True):
        if old and new:
            same = msgspec.json.encode(old.resource) == msgspec.json.encode(new.resource)
            assert (new.revision == old.revision) is same
            assert new.form == FORM
