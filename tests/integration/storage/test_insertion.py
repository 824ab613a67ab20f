"""What is created once: whatever a crash cuts off, a repeat recognises or finishes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandStartedEvent

from microservice_chassis.errors import DatabaseUnavailable, IntentUnderWay, OtherIntent
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.schema.patch import Patch
from microservice_chassis.storage.client import Document, connect
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.identifiers import Identifiers, ProcessFloor
from microservice_chassis.storage.insertion import (
    FIRST_BATCH,
    LARGEST_BATCH,
    LONGEST_S,
    QUICK_S,
    Insertion,
)
from tests.commands import Commands
from tests.examples import EVENT
from tests.integration.storage.submissions import KEY, Worker, events, ids, lapse, submission
from tests.kinds import EVENTS
from tests.paused_driver import Stop

# Four batches at least, of which each has up to twice as many as the one before.
MANY = 10 * FIRST_BATCH
ALL = -1


@pytest.fixture
def dator(database: AsyncDatabase[Document]) -> Dator[Any]:
    return EVENTS.dator(database)


async def assert_created(database: AsyncDatabase[Document], created: list[Any], count: int) -> None:
    """What is there is what was answered, once, under the ids that were noted."""
    found = await events(database)
    assert [str(each["_id"]) for each in found] == ids(created)
    assert [each["title"] for each in found] == [str(number) for number in range(count)]
    noted = await database["Intents"].find_one({"_id.key": KEY})
    assert noted is not None
    assert [str(each) for each in noted["ids"]] == ids(created)
    assert noted["done"]


@pytest.mark.parametrize(
    ("count", "written"),
    [(1, 0), (1, ALL), (MANY, 0), (MANY, 1), (MANY, 2), (MANY, 3), (MANY, ALL)],
)
async def test_a_repeat_finishes_what_a_dead_worker_has_begun(
    database: AsyncDatabase[Document], dator: Dator[Any], count: int, written: int
) -> None:
    asked = submission(count)
    if written == ALL:  # nothing is missing, but nobody has said so
        await Worker(database, "Intents").die_over(asked, writes=1)
        assert len(await events(database)) == count
    else:
        await Worker(database, "Events").die_over(asked, writes=written)
        assert written * FIRST_BATCH <= len(await events(database)) < count
    with pytest.raises(IntentUnderWay):
        await dator.create(asked)
    await lapse(database)
    created = await dator.create(asked)
    await assert_created(database, created, count)
    assert await dator.create(asked) == created


async def test_a_worker_that_died_behind_its_intent_has_created_nothing(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    asked = submission(3)
    await Worker(database, "Intents").die_over(asked, writes=0)
    assert await database["Intents"].count_documents({}) == 0
    late = Worker(database, "Intents")
    late.driver.behind = stop = Stop()
    task = asyncio.create_task(late.dator.create(asked))
    await stop.until_reached()
    task.cancel()
    await asyncio.wait([task])
    assert await database["Intents"].count_documents({}) == 1
    assert await events(database) == []
    await lapse(database)
    await assert_created(database, await dator.create(asked), 3)


async def test_of_two_workers_at_one_intent_only_the_later_one_finishes_it(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    asked = submission(MANY)
    stopped = Worker(database, "Events")
    task = await stopped.begin(asked, writes=1)
    await lapse(database)
    created = await dator.create(asked)
    stopped.go_on()
    with pytest.raises(IntentUnderWay):
        await task
    await assert_created(database, created, MANY)


async def test_what_was_changed_meanwhile_stays_changed_and_is_answered_as_it_was_created(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    asked = submission(MANY)
    await Worker(database, "Events").die_over(asked, writes=1)
    seen = str((await events(database))[0]["_id"])
    await dator.patch(seen, Patch({"title": "Changed"}))
    await lapse(database)
    created = await dator.create(asked)
    assert created[0].resource.title == "0"
    assert (await dator.find(seen)).resource.title == "Changed"


async def test_what_was_deleted_before_the_request_was_answered_comes_with_its_repeat(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    asked = submission(1)
    await Worker(database, "Intents").die_over(asked, writes=1)
    (seen,) = await events(database)
    await dator.delete(str(seen["_id"]))
    await lapse(database)
    await assert_created(database, await dator.create(asked), 1)
    await dator.delete(str(seen["_id"]))
    await dator.create(asked)
    assert await events(database) == []


async def test_a_key_is_that_of_one_body_also_where_its_request_was_cut_off(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    await Worker(database, "Events").die_over(submission(1), writes=0)
    for _ in range(2):
        with pytest.raises(OtherIntent):
            await dator.create(submission(1, place="Elsewhere"))
        await lapse(database)


async def test_without_a_key_each_request_creates_its_own(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    asked = submission(2, key=None)
    assert ids(await dator.create(asked)) != ids(await dator.create(asked))
    assert len(await events(database)) == 4


async def test_what_takes_too_long_is_given_up_and_a_repeat_finishes_it(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    clock = iter([0.0, 1.0, 1.0, LONGEST_S + 1])
    slow: Insertion[Any] = Insertion(
        dator.intents, dator.writer, Identifiers(ProcessFloor()), {}, lambda: next(clock)
    )
    with pytest.raises(DatabaseUnavailable):
        await slow.create(submission(MANY), await dator.codec())
    assert len(await events(database)) == FIRST_BATCH
    await lapse(database)
    await assert_created(database, await dator.create(submission(MANY)), MANY)


class Inserts(Commands):
    """How many documents each insert has had."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def started(self, event: CommandStartedEvent) -> None:
        super().started(event)
        if event.command_name == "insert":
            self.sizes.append(len(event.command["documents"]))


@pytest.mark.parametrize(
    ("took_s", "sizes"),
    [
        ([0.0] * 9, [25, 50, 100, 200, 200, 25]),
        ([0.0, 0.0, 2 * QUICK_S, 0.0, 2 * QUICK_S, 0.0], [25, 50, 100, 50, 100, 50, 100, 125]),
    ],
)
async def test_the_next_batch_is_larger_where_one_was_quick_and_else_smaller(
    mongodb: EmbeddedMongoDB, took_s: list[float], sizes: list[int]
) -> None:
    inserts, now = Inserts(), [0.0]
    slow = iter([*took_s, *[0.0] * 9])
    looks = 0

    def now_s() -> float:
        nonlocal looks
        looks += 1
        if looks % 2 and looks > 1:  # behind a batch
            now[0] += next(slow)
        return now[0]

    async with connect(mongodb.uri, [inserts]) as client:
        dator = EVENTS.dator(client["batches"])
        insertion: Insertion[Any] = Insertion(
            dator.intents, dator.writer, Identifiers(ProcessFloor()), {}, now_s
        )
        await insertion.create(submission(600), await dator.codec())
        await client.drop_database("batches")
    assert inserts.sizes == sizes
    assert max(sizes) <= LARGEST_BATCH


async def test_a_document_that_mongodb_does_not_take_is_no_success(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    await database.create_collection("Events", validator={"title": {"$ne": "1"}})
    with pytest.raises(OperationFailure):
        await dator.create(submission(3))
    intent = await database["Intents"].find_one({})
    assert intent is not None
    assert "done" not in intent


async def test_an_intent_costs_two_operations_a_repeat_one_and_no_key_none(
    mongodb: EmbeddedMongoDB,
) -> None:
    commands = Commands()
    async with connect(mongodb.uri, [commands]) as client:
        dator = EVENTS.dator(client["intents"])
        await dator.codec()
        for asked, operations in (
            (submission(1), ["findAndModify", "insert", "update"]),
            (submission(1), ["findAndModify"]),
            (submission(FIRST_BATCH, key=None), ["findAndModify", "insert", "update"]),
        ):
            commands.names.clear()
            await dator.create(asked)
            assert commands.names == operations
        commands.names.clear()
        await dator.insert(dator.schema.parse(EVENT))
        assert commands.names == ["insert"]
        await client.drop_database("intents")


async def test_an_intent_expires_after_a_day_and_not_before_it_is_settled(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    await dator.intents.create_indexes()
    indexes = await database["Intents"].index_information()
    assert indexes["expired"]["expireAfterSeconds"] == 0
    before = datetime.now(UTC)
    for count in (1, 2):
        await dator.create(submission(count, key=f"done {count}"))
        await Worker(database, "Events").die_over(submission(count, key=f"{count}"), writes=0)
    for key in ("done 1", "done 2", "1"):
        intent = await database["Intents"].find_one({"_id.key": key})
        assert intent is not None
        left = intent["expires_at"] - before
        assert timedelta(hours=24) - timedelta(seconds=1) < left < timedelta(hours=25)
        assert "look_at" not in intent
    intent = await database["Intents"].find_one({"_id.key": "2"})
    assert intent is not None
    assert "expires_at" not in intent
    assert intent["look_at"] > before


async def test_a_key_whose_day_has_passed_is_a_new_one(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    first = await dator.create(submission(1))
    await database["Intents"].delete_many({})
    assert ids(await dator.create(submission(1))) != ids(first)
