"""The rollback: what a crash cut off, and no client repeats, is taken back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.errors import DatabaseUnavailable, IntentUnderWay
from microservice_chassis.storage.client import Document, connect
from microservice_chassis.storage.codec import FORM
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.deployment import Deployment
from microservice_chassis.storage.identifiers import Identifiers, ProcessFloor
from microservice_chassis.storage.insertion import FIRST_BATCH
from microservice_chassis.storage.intents import GRACE_S
from microservice_chassis.storage.rollback import BATCH, SETTLED_S, Rollback
from microservice_chassis.storage.server_clock import ServerClock
from microservice_chassis.storage.version_stamps import Change
from tests.examples import EVENT
from tests.integration.storage.submissions import (
    LONG_AGO,
    Worker,
    events,
    ids,
    lapse,
    submission,
)
from tests.kinds import EVENTS
from tests.paused_driver import Stop

# Four batches at least.
MANY = 10 * FIRST_BATCH

# Later than any intent of a test is looked at for the first time.
SOON_S = GRACE_S + 10


class Stamps:
    """Remember what each write touches; and do something before one."""

    def __init__(self) -> None:
        self.seen: list[tuple[set[str], bool, bool]] = []
        self.before: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def change(self, *names: str, insert: bool = False) -> AsyncIterator[Change]:
        self.before()
        change = Change()
        yield change
        self.seen.append((set(names), insert, change.made))


def stamped(database: AsyncDatabase[Document], stamps: Stamps) -> Dator[Any]:
    deployment = Deployment(database, "events", {})
    return EVENTS.dator_class(database, deployment, stamps, Identifiers(ProcessFloor()))


@pytest.fixture
async def dator(database: AsyncDatabase[Document]) -> Dator[Any]:
    dator = EVENTS.dator(database)
    await dator.codec()  # the clock of the server is known from now on
    return dator


@pytest.mark.parametrize("written", [0, 1, 2])
async def test_what_was_cut_off_is_taken_back_and_nothing_else(
    database: AsyncDatabase[Document],
    dator: Dator[Any],
    written: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    alone = await dator.insert(dator.schema.parse(EVENT))
    done = await dator.create(submission(3, key="done"))
    await Worker(database, "Events").die_over(submission(MANY), writes=written)
    parts = len(await events(database)) - 4
    await lapse(database)
    await Rollback(dator).run(SOON_S)
    assert {str(each["_id"]) for each in await events(database)} == {
        alone.resource.id,
        *ids(done),
    }
    said = [record.getMessage() for record in caplog.records]
    line = f"events: {parts} resources are taken back, since the POST of {MANY} was cut"
    assert said == ([f"{line} off"] if written else [])


async def test_one_resource_is_nothing_that_can_be_cut_off(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    await Worker(database, "Intents").die_over(submission(1), writes=1)
    await lapse(database)
    await Rollback(dator).run(SOON_S)
    assert len(await events(database)) == 1


async def test_nothing_is_taken_back_while_somebody_is_at_it(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    worker = Worker(database, "Events")
    task = await worker.begin(submission(MANY), writes=1)
    await Rollback(dator).run(SOON_S)
    assert len(await events(database)) == FIRST_BATCH
    worker.go_on()
    assert len(await task) == len(await events(database)) == MANY


async def test_its_client_has_a_minute_unless_the_service_is_started(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    rollback = Rollback(dator)
    assert await rollback.work() == SETTLED_S
    for part in ("before the start", "behind it"):
        await Worker(database, "Events").die_over(submission(MANY, key=part), writes=1)
        await lapse(database)
        await rollback.work()
    assert len(await events(database)) == FIRST_BATCH
    await database["Intents"].update_many({}, {"$set": {"look_at": LONG_AGO}})
    await rollback.work()
    assert await events(database) == []


async def test_a_repeat_creates_all_of_it_again_under_the_same_ids(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    await Worker(database, "Events").die_over(submission(MANY), writes=2)
    cut_off = [str(each["_id"]) for each in await events(database)]
    await lapse(database)
    await Rollback(dator).run(SOON_S)
    created = await dator.create(submission(MANY))
    assert ids(created)[: len(cut_off)] == cut_off
    assert [str(each["_id"]) for each in await events(database)] == ids(created)
    await Rollback(dator).run(10 * SOON_S)
    assert len(await events(database)) == MANY


async def test_an_insert_that_arrives_late_is_taken_back_at_the_next_look(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    late = Worker(database, "Events")
    task = await late.begin(submission(MANY), writes=1)
    await lapse(database)
    await Rollback(dator).run(SOON_S)
    late.go_on()
    with pytest.raises(IntentUnderWay):
        await task
    assert 0 < len(await events(database)) < MANY
    await Rollback(dator).run()
    assert 0 < len(await events(database)) < MANY
    await Rollback(dator).run(SOON_S)
    assert await events(database) == []


async def test_an_insert_that_arrives_late_is_part_of_what_a_repeat_has_created(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    late = Worker(database, "Events")
    task = await late.begin(submission(MANY), writes=1)
    await lapse(database)
    await Rollback(dator).run(SOON_S)
    created = await dator.create(submission(MANY))
    late.go_on()
    with pytest.raises(IntentUnderWay):
        await task
    assert [str(each["_id"]) for each in await events(database)] == ids(created)


async def test_a_repeat_is_told_to_wait_while_it_is_taken_back(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    await Worker(database, "Events").die_over(submission(MANY), writes=1)
    await lapse(database)
    worker = Worker(database, "Events")
    worker.driver.before = stop = Stop()
    await worker.dator.codec()
    taking_back = asyncio.create_task(Rollback(worker.dator).run(SOON_S))
    await stop.until_reached()
    with pytest.raises(IntentUnderWay):
        await dator.create(submission(MANY))
    stop.open()
    await taking_back
    assert await events(database) == []
    assert len(await dator.create(submission(MANY))) == MANY


async def test_nothing_is_removed_behind_the_lease(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    created = await dator.create(submission(2))
    keys = [each["_id"] for each in await events(database)]
    with pytest.raises(DatabaseUnavailable):
        await dator.writer.remove(keys, time.monotonic() - 1)
    assert [str(each["_id"]) for each in await events(database)] == ids(created)
    assert await dator.writer.remove(keys, time.monotonic() + 10) == 2


async def test_what_was_not_removed_in_time_is_removed_later(
    database: AsyncDatabase[Document],
) -> None:
    stamps = Stamps()
    dator = stamped(database, stamps)
    await dator.codec()
    await Worker(database, "Events").die_over(submission(MANY), writes=2)
    parts = await events(database)
    await lapse(database)
    clock = ServerClock.of(database.client)
    stamps.before = lambda: clock.tell(datetime.now(UTC) - timedelta(hours=1))
    with pytest.raises(DatabaseUnavailable):
        await Rollback(dator).run(SOON_S)
    assert await events(database) == parts
    clock.tell(datetime.now(UTC))
    stamps.before = lambda: None
    await lapse(database)
    await Rollback(dator).run(SOON_S)
    assert await events(database) == []


async def test_it_looks_again_ever_more_seldom_and_for_a_day(
    database: AsyncDatabase[Document], dator: Dator[Any]
) -> None:
    await Worker(database, "Events").die_over(submission(MANY), writes=1)
    intents = database["Intents"]
    for age, after in (
        (timedelta(0), timedelta(seconds=GRACE_S)),
        (timedelta(hours=1), timedelta(hours=1)),
        (timedelta(hours=20), timedelta(hours=20)),
    ):
        await lapse(database)
        now = datetime.now(UTC)
        aged = {"created_at": now - age, "look_at": LONG_AGO}
        await intents.update_one({}, {"$set": aged})
        await Rollback(dator).run()
        (intent,) = await intents.find().to_list()
        assert abs(intent["look_at"] - now - after) < timedelta(seconds=10)
        assert "expires_at" not in intent
    aged = {"created_at": datetime.now(UTC) - timedelta(hours=25), "look_at": LONG_AGO}
    await intents.update_one({}, {"$set": aged})
    await Rollback(dator).run()
    (intent,) = await intents.find().to_list()
    assert "look_at" not in intent
    assert intent["expires_at"] <= datetime.now(UTC) + timedelta(seconds=1)
    # A repeat that is quicker than MongoDB's removal of what has expired keeps it.
    await dator.create(submission(MANY))
    (intent,) = await intents.find().to_list()
    assert intent["expires_at"] > datetime.now(UTC) + timedelta(hours=23)


async def test_each_batch_is_a_write_of_its_own_that_changes_what_it_touches(
    database: AsyncDatabase[Document],
) -> None:
    stamps = Stamps()
    dator = stamped(database, stamps)
    created = await dator.create(submission(MANY, key="done"))
    assert len(stamps.seen) >= 4
    assert set(map(str, stamps.seen)) == {str(({"events"}, True, True))}
    await dator.writer.remove(
        [each["_id"] for each in await events(database)], time.monotonic() + 9
    )
    await Worker(database, "Events").die_over(submission(MANY), writes=1)
    cut_off = {f"events/{each['_id']}" for each in await events(database)}
    await lapse(database)
    stamps.seen.clear()
    await Rollback(dator).run(SOON_S)
    touched, insert, made = stamps.seen[0]
    assert touched > {"events"} | cut_off
    assert (insert, made) == (False, True)
    assert [made for *_, made in stamps.seen] == [True] + [False] * (MANY // BATCH - 1)
    assert len(created) == MANY


async def test_it_waits_for_a_mongodb_that_is_away(tmp_path: Path) -> None:
    async with connect(f"mongodb://{str(tmp_path / 'no.sock').replace('/', '%2F')}") as client:
        pause_s = await Rollback(EVENTS.dator(client["none"])).work()
    assert pause_s is not None
    assert pause_s < SETTLED_S


async def test_a_database_that_is_too_new_is_left_alone(
    database: AsyncDatabase[Document],
) -> None:
    await database["Deployment"].insert_one({"_id": "Events", "form": FORM + 1})
    assert await Rollback(EVENTS.dator(database)).work() is None
    assert "Intents" not in await database.list_collection_names()
