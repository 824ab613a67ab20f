"""The note of those who write without stamps, on a real MongoDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import pytest
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.storage.client import OPERATION_TIMEOUT_MS, Document
from microservice_chassis.storage.unstamped_writes import LEASE_S, NOTE_S, UnstampedWrites
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS
from tests.clock import Clock
from tests.paused_driver import PausedDriver, Stop

INSERT_MS = 60_000


@pytest.fixture
def notes(database: AsyncDatabase[Document]) -> AsyncCollection[Document]:
    return database["UnstampedWrites"]


class Time(Clock):
    """The time of a worker and of MongoDB: when it passes, the note is so much older."""

    def __init__(self, notes: AsyncCollection[Document]) -> None:
        super().__init__()
        self._notes = notes

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await age(self._notes, seconds)

    async def pass_s(self, seconds: float) -> None:
        self.pass_ms(int(seconds * 1000))
        await age(self._notes, seconds)


@pytest.fixture
def time(notes: AsyncCollection[Document]) -> Time:
    return Time(notes)


@pytest.fixture
def worker(notes: AsyncCollection[Document], time: Time) -> UnstampedWrites:
    return UnstampedWrites(notes, "events", time.now_s, time.sleep)


async def the_note(notes: AsyncCollection[Document]) -> Document:
    note = await notes.find_one({"_id": "events"})
    assert note
    return note


async def age(notes: AsyncCollection[Document], seconds: float) -> None:
    """Make a note as old as if so much time had passed at MongoDB."""
    passed = timedelta(seconds=seconds)
    note = await the_note(notes)
    older = {name: note[name] - passed for name in ("since", "until", "at")}
    await notes.update_one({"_id": "events"}, {"$set": older})


async def test_a_note_is_seen_by_everybody_until_it_lapses(
    worker: UnstampedWrites, notes: AsyncCollection[Document]
) -> None:
    other = UnstampedWrites(notes, "events")
    assert not await other.announced()
    await worker.announce()
    assert await other.announced()
    assert not await UnstampedWrites(notes, "notifications").announced()
    await age(notes, NOTE_S)
    assert not await other.announced()


async def test_the_first_write_waits_for_as_long_as_the_absence_of_a_note_is_trusted(
    worker: UnstampedWrites, time: Time
) -> None:
    await worker.announce()
    assert time.slept_s == [LEASE_S]
    await worker.announce()
    assert time.slept_s == [LEASE_S]
    assert LEASE_S * 1000 < OPERATION_TIMEOUT_MS, "longer than its client waits for the write"


async def test_a_note_holds_for_as_long_as_any_write_that_begins_under_it_may_happen(
    worker: UnstampedWrites, notes: AsyncCollection[Document], time: Time
) -> None:
    """Whenever a write begins, the note that it finds is good for it, or is put off."""
    await worker.announce()
    age_s = LEASE_S  # the first write has waited for so long
    assert NOTE_S - age_s >= LONGEST_CHANGE_MS / 1000
    for _ in range(40):
        await time.pass_s(0.3)
        before = (await the_note(notes))["at"]
        await worker.announce()
        note = await the_note(notes)
        age_s = age_s + 0.3 if note["at"] == before else 0
        held_s = (note["until"] - note["at"]).total_seconds()
        assert held_s - age_s >= LONGEST_CHANGE_MS / 1000
    assert time.slept_s == [LEASE_S], "a note that is renewed in time has no gap"


async def test_a_note_for_an_insert_holds_for_as_long_as_the_insert_may_happen(
    worker: UnstampedWrites, notes: AsyncCollection[Document], time: Time
) -> None:
    await worker.announce()
    await worker.announce(INSERT_MS)
    note = await the_note(notes)
    assert note["until"] - note["at"] >= timedelta(milliseconds=INSERT_MS)
    await worker.announce()
    assert (await the_note(notes))["until"] == note["until"], "no later write shortens it"
    assert time.slept_s == [LEASE_S]


async def test_a_write_waits_where_the_note_lapsed_while_it_was_renewed(
    database: AsyncDatabase[Document], notes: AsyncCollection[Document], time: Time
) -> None:
    """Somebody may have looked in between, and trusts that there was none."""
    driver = PausedDriver(database.client, "UnstampedWrites")
    paused = cast("Any", driver[database.name]["UnstampedWrites"])
    worker = UnstampedWrites(paused, "events", time.now_s, time.sleep)
    await worker.announce()
    await time.pass_s(2)
    driver.before = Stop()
    renewing = asyncio.create_task(worker.announce())
    await driver.before.until_reached()
    await age(notes, NOTE_S)
    assert not await UnstampedWrites(notes, "events").announced()
    driver.before.open()
    await renewing
    assert time.slept_s == [LEASE_S, LEASE_S]


async def test_a_write_waits_no_longer_than_others_that_have_waited_already(
    notes: AsyncCollection[Document], time: Time
) -> None:
    async with waiting(notes, time):
        await age(notes, 0.6)
        await UnstampedWrites(notes, "events", time.now_s, time.sleep).announce()
        assert 0 < time.slept_s[1] <= LEASE_S - 0.6
        await UnstampedWrites(notes, "events", time.now_s, time.sleep).announce()
        assert len(time.slept_s) == 2


async def test_who_was_cancelled_while_it_waited_has_not_waited_for_the_next_one(
    notes: AsyncCollection[Document], time: Time
) -> None:
    async with waiting(notes, time) as worker:
        pass
    await worker.announce()
    assert len(time.slept_s) == 2


@asynccontextmanager
async def waiting(notes: AsyncCollection[Document], time: Time) -> AsyncIterator[UnstampedWrites]:
    """A worker whose first write has written its note, waits, and is cancelled in the end."""
    stop = Stop()

    async def sleep(seconds: float) -> None:
        time.slept_s.append(seconds)
        await stop.pass_by()

    worker = UnstampedWrites(notes, "events", time.now_s, sleep)
    first = asyncio.create_task(worker.announce())
    await stop.until_reached()
    yield worker
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    stop.open()


async def test_a_clock_of_mongodb_that_was_set_back_makes_nobody_wait_for_it(
    worker: UnstampedWrites, notes: AsyncCollection[Document], time: Time
) -> None:
    await worker.announce()
    await age(notes, -3600)
    time.pass_ms(10_000)
    await worker.announce()
    assert time.slept_s == [LEASE_S, LEASE_S]
