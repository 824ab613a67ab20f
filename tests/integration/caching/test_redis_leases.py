"""The lease that a worker has on its epoch in Redis, and what it must have looked at for that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis

from microservice_chassis.caching.redis_link import TIMEOUT_S
from microservice_chassis.caching.redis_store import INTERVAL_S, RedisStore
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.unstamped_writes import LEASE_S, NOTE_S, UnstampedWrites
from tests.clock import Clock
from tests.integration.caching.redis_stores import (
    ENTRY,
    TIMEOUT_OF_ENTRIES_S,
    deployment,
    is_hit,
    is_kept,
    keep,
)
from tests.paused_driver import PausedDriver, Stop
from tests.redis_server import RedisServer


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
