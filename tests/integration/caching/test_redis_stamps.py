"""Stamps in Redis, of stores that a test moves on step by step: no background, a clock of its own.

Each store is a worker of its own. Where Redis fails is decided by the test, not by chance.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any, cast

import pytest
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis

from microservice_chassis.caching.entry import Entry
from microservice_chassis.caching.redis_link import TIMEOUT_S
from microservice_chassis.caching.redis_store import INTERVAL_S, RedisStore
from microservice_chassis.caching.store import Store
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.unstamped_writes import LEASE_S, NOTE_S, UnstampedWrites
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS
from tests.clock import Clock
from tests.paused_driver import PausedDriver, Stop
from tests.redis_server import RedisServer

TIMEOUT_OF_ENTRIES_S = 60
ENTRY = Entry(((b"etag", b'"a"'),), b"[]")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notes(database: AsyncDatabase[Document]) -> AsyncCollection[Document]:
    return database["UnstampedWrites"]


@pytest.fixture
def observer(notes: AsyncCollection[Document]) -> UnstampedWrites:
    """Somebody who only looks for notes."""
    return UnstampedWrites(notes, "events")


async def deployment() -> str:
    return "test"


@pytest.fixture
async def stores(
    own_redis: RedisServer, notes: AsyncCollection[Document], clock: Clock
) -> AsyncIterator[list[RedisStore]]:
    """Two that are sure, for as long as the clock stands still."""

    def store() -> RedisStore:
        unstamped = UnstampedWrites(notes, "events", clock.now_s, clock.sleep)
        return RedisStore(own_redis.url, TIMEOUT_OF_ENTRIES_S, unstamped, deployment, clock.now_s)

    stores = [store(), store()]
    for each in stores:
        await each.work()
        assert await is_kept(each)
    yield stores
    for each in stores:
        await each.close()


async def is_kept(store: Store, name: str = "events") -> bool:
    return (await store.find(name, name)).stamp is not None


async def is_hit(store: Store, name: str = "events") -> bool:
    return (await store.find(name, name)).entry is not None


async def keep(store: Store, name: str = "events") -> None:
    await store.keep(name, (await store.find(name, name)).stamp, ENTRY)
    assert await is_hit(store, name)


async def fail(store: Store, *, insert: bool = False) -> None:
    with suppress(TimeoutError):
        async with store.change("events", insert=insert):
            raise TimeoutError


async def test_what_a_look_has_found_is_trusted_for_a_lease_and_no_longer(
    stores: list[RedisStore], clock: Clock
) -> None:
    one, _ = stores
    await keep(one)
    clock.pass_ms(int(LEASE_S * 1000) - 10)
    assert await is_hit(one)
    clock.pass_ms(20)
    assert await one.find("events", "events") == (None, None)
    await one.work()
    assert await is_hit(one)


@pytest.fixture
def looking(database: AsyncDatabase[Document]) -> PausedDriver:
    """A driver whose looks for notes can be held up."""
    driver = PausedDriver(database.client, "UnstampedWrites")
    driver.calls = frozenset({"find_one"})
    return driver


@pytest.fixture
async def slow(
    own_redis: RedisServer, database: AsyncDatabase[Document], looking: PausedDriver, clock: Clock
) -> AsyncIterator[RedisStore]:
    """A store that uses that driver."""
    notes: Any = looking[database.name]["UnstampedWrites"]
    unstamped = UnstampedWrites(notes, "events")
    store = RedisStore(own_redis.url, TIMEOUT_OF_ENTRIES_S, unstamped, deployment, clock.now_s)
    yield store
    await store.close()


async def test_a_look_is_trusted_from_when_it_began(
    slow: RedisStore, looking: PausedDriver, clock: Clock
) -> None:
    """A note may be written right behind it, while its answer is on the way."""
    stop = looking.behind = Stop()
    work = asyncio.create_task(slow.work())
    await stop.until_reached()
    clock.pass_ms(int(LEASE_S * 1000) + 10)
    stop.open()
    await work
    assert not await is_kept(slow)
    await slow.work()
    assert await is_kept(slow)


async def test_a_loss_while_a_worker_looks_is_not_overlooked(
    slow: RedisStore, looking: PausedDriver, own_redis: RedisServer
) -> None:
    """It may write with a note, from the loss on, that the look has not found."""
    await slow.work()
    await keep(slow)
    stop = looking.behind = Stop()
    work = asyncio.create_task(slow.work())
    await stop.until_reached()
    async with Redis.from_url(own_redis.url) as redis:
        await redis.config_set("min-replicas-to-write", 1)
        await slow.keep("events", b"any", ENTRY)  # and so it is lost
        await redis.config_set("min-replicas-to-write", 0)
    stop.open()
    await work
    assert not await is_kept(slow)
    await slow.work()
    assert await is_kept(slow)
    assert not await is_hit(slow)


class Breakable:
    """A collection that can fail in a way that nobody expects."""

    def __init__(self, collection: AsyncCollection[Document]) -> None:
        self._collection = collection
        self.broken = False

    async def find_one(self, query: Document) -> Document | None:
        if self.broken:
            raise LookupError
        return await self._collection.find_one(query)


async def test_a_look_that_fails_unexpectedly_is_not_swallowed_and_the_lease_runs_out(
    own_redis: RedisServer, notes: AsyncCollection[Document], clock: Clock
) -> None:
    """The background logs it, and tries again."""
    breakable = Breakable(notes)
    unstamped = UnstampedWrites(cast("Any", breakable), "events")
    store = RedisStore(own_redis.url, TIMEOUT_OF_ENTRIES_S, unstamped, deployment, clock.now_s)
    await store.work()
    await keep(store)
    breakable.broken = True
    with pytest.raises(LookupError):
        await store.work()
    clock.pass_ms(int(LEASE_S * 1000) + 10)
    assert await store.find("events", "events") == (None, None)
    breakable.broken = False
    await store.work()
    assert await is_hit(store)
    await store.close()


def test_a_worker_looks_again_before_its_lease_ends_even_if_redis_is_slow() -> None:
    assert INTERVAL_S + TIMEOUT_S < LEASE_S


@pytest.mark.parametrize("insert", [False, True])
async def test_a_write_whose_process_dies_is_waited_for_as_long_as_it_may_happen(
    stores: list[RedisStore], own_redis: RedisServer, insert: bool
) -> None:
    one, other = stores
    longest_ms = TIMEOUT_OF_ENTRIES_S * 1000 if insert else LONGEST_CHANGE_MS
    async with Redis.from_url(own_redis.url) as redis, AsyncExitStack() as never_ended:
        before = await redis.time()
        await never_ended.enter_async_context(one.change("events", insert=insert))
        # NOTE: a shorter write of somebody else must not end the wait for the longer one.
        for made in (True, False):
            async with other.change("events") as change:
                change.made = made
            assert not await is_kept(other)
        after = await redis.time()
        for kind in ("stamp", "writers"):
            (key,) = [key async for key in redis.scan_iter(match=f"*:{kind} events")]
            ends_ms = await redis.pexpiretime(key)
            assert before[0] * 1000 + longest_ms <= ends_ms <= (after[0] + 1) * 1000 + longest_ms


async def test_a_stamp_does_not_go_back_where_redis_has_forgotten_who_writes(
    stores: list[RedisStore], own_redis: RedisServer
) -> None:
    """Of two writes one has died, and may have happened; the other one has changed nothing."""
    one, other = stores
    await keep(one)
    async with AsyncExitStack() as never_ended, Redis.from_url(own_redis.url) as redis:
        async with one.change("events") as change:
            await never_ended.enter_async_context(other.change("events"))
            (key,) = [key async for key in redis.scan_iter(match="*:writers events")]
            await redis.delete(key)
            change.made = False
        assert not await is_hit(one)


async def test_a_write_without_redis_is_announced_before_it_begins(
    stores: list[RedisStore], own_redis: RedisServer, observer: UnstampedWrites
) -> None:
    own_redis.kill()
    async with stores[0].change("events"):
        assert await observer.announced()


async def test_a_write_that_could_not_end_in_redis_is_announced_before_it_is_answered(
    stores: list[RedisStore], own_redis: RedisServer, observer: UnstampedWrites
) -> None:
    async with stores[0].change("events"):
        assert not await observer.announced()
        own_redis.kill()
    assert await observer.announced()


async def test_an_insert_without_redis_is_announced_for_as_long_as_it_may_happen(
    stores: list[RedisStore], own_redis: RedisServer, notes: AsyncCollection[Document]
) -> None:
    own_redis.kill()
    async with stores[0].change("events", insert=True):
        note = await notes.find_one({"_id": "events"})
        assert note
        assert (note["until"] - note["at"]).total_seconds() >= TIMEOUT_OF_ENTRIES_S


async def test_a_write_that_fails_after_redis_was_started_anew_may_still_happen(
    stores: list[RedisStore], own_redis: RedisServer, clock: Clock
) -> None:
    one, other = stores
    with suppress(TimeoutError):
        async with one.change("events"):
            own_redis.kill()
            own_redis.start()
            await one.work()  # notices it
            clock.pass_ms(300)
            await one.work()
            assert await is_kept(one)
            raise TimeoutError
    assert not await is_kept(one)
    for _ in range(2):
        await other.work()
        clock.pass_ms(300)
    await other.work()
    assert await is_kept(other, "events/1")
    assert not await is_kept(other)


async def test_a_write_that_is_cancelled_may_still_happen(stores: list[RedisStore]) -> None:
    """As when a worker ends: the driver has sent it, and nobody waits for the answer."""
    one, other = stores
    await keep(other)
    sent = asyncio.Event()

    async def write() -> None:
        async with one.change("events"):
            sent.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(write())
    await sent.wait()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    assert await other.find("events", "events") == (None, None)


async def test_what_an_answer_was_meant_for_that_was_cancelled_reaches_nobody_else(
    stores: list[RedisStore],
) -> None:
    """A connection on which an answer is due is not used for the next command."""
    one, _ = stores
    for name in ("events", "events/1"):
        await keep(one, name)
    for turns in range(12):
        reading = asyncio.create_task(one.find("events", "events"))
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert await one.find("nothing", "events/2") != await one.find("events", "events")
        assert not await is_hit(one, "events/2")
        assert await is_hit(one, "events/1")


async def test_a_redis_that_loaded_an_old_snapshot_is_noticed_at_the_first_connection(
    stores: list[RedisStore], own_redis: RedisServer
) -> None:
    """Before the next look, and although no command fails, since there is no connection."""
    one, other = stores
    await keep(other)
    async with Redis.from_url(own_redis.url) as redis:
        await redis.save()
    async with one.change("events"):
        pass
    assert own_redis.process
    own_redis.process.send_signal(signal.SIGSTOP)
    reading = asyncio.create_task(other.find("events", "events"))
    for _ in range(100):
        await asyncio.sleep(0)  # until the command has been sent
    reading.cancel()  # and with it goes the connection, on which an answer is due
    await asyncio.gather(reading, return_exceptions=True)
    own_redis.kill()
    own_redis.start()
    assert await other.find("events", "events") == (None, None)


async def test_a_lease_of_another_redis_is_none(
    stores: list[RedisStore], own_redis: RedisServer
) -> None:
    one, _ = stores
    await keep(one)
    async with Redis.from_url(own_redis.url) as redis:
        (lease,) = [key async for key in redis.scan_iter(match="*:lease")]
        await redis.set(lease, b"the run id of another Redis")
    await one.work()
    assert await is_kept(one)
    assert not await is_hit(one)


async def test_the_lease_ends_before_a_note_that_was_written_right_behind_the_look(
    stores: list[RedisStore], own_redis: RedisServer
) -> None:
    await stores[0].work()
    async with Redis.from_url(own_redis.url) as redis:
        (lease,) = [key async for key in redis.scan_iter(match="*:lease")]
        seconds, microseconds = await redis.time()
        ends_s = await redis.pexpiretime(lease) / 1000
    assert ends_s < seconds + microseconds / 1_000_000 + NOTE_S


async def test_a_lease_that_has_ended_is_not_made_again_within_the_epoch(
    stores: list[RedisStore], own_redis: RedisServer
) -> None:
    one, _ = stores
    await keep(one)
    async with Redis.from_url(own_redis.url) as redis:
        (lease,) = [key async for key in redis.scan_iter(match="*:lease")]
        await redis.delete(lease)
    await one.work()
    assert not await is_hit(one)


async def test_who_has_found_a_note_begins_a_new_epoch_when_there_is_none(
    stores: list[RedisStore], notes: AsyncCollection[Document], clock: Clock
) -> None:
    one, other = stores
    await keep(one)
    await UnstampedWrites(notes, "events", clock.now_s, clock.sleep).announce()
    for each in stores:
        await each.work()
        assert not await is_kept(each)
    await notes.delete_many({})
    await other.work()
    assert await is_kept(other)
    assert not await is_hit(other)


async def test_who_has_found_a_note_ends_the_lease_for_all(
    stores: list[RedisStore], notes: AsyncCollection[Document], clock: Clock
) -> None:
    one, other = stores
    await keep(one)
    await UnstampedWrites(notes, "events", clock.now_s, clock.sleep).announce()
    await one.work()
    await notes.delete_many({})  # before the other one has looked
    await other.work()
    assert await is_kept(other)
    assert not await is_hit(other)


async def test_who_had_lost_redis_begins_a_new_epoch(
    stores: list[RedisStore], own_redis: RedisServer, clock: Clock
) -> None:
    """It may have written with a note that nobody has seen."""
    one, other = stores
    await keep(one)
    async with Redis.from_url(own_redis.url) as redis:
        await redis.config_set("min-replicas-to-write", 1)
        await one.keep("events", b"any", ENTRY)  # and so it is lost
        await redis.config_set("min-replicas-to-write", 0)
    await one.work()
    assert not await is_kept(one), "it rests for a moment"
    clock.pass_ms(300)
    for each in stores:
        await each.work()
        assert await is_kept(each)
    assert not await is_hit(other)
