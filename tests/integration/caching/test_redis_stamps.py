"""Stamps in Redis, of stores that a test moves on step by step: no background, a clock of its own.

Each store is a worker of its own. Where Redis fails is decided by the test, not by chance.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, suppress

import pytest
from pymongo.asynchronous.collection import AsyncCollection
from redis.asyncio import Redis

from microservice_chassis.caching.redis_store import RedisStore
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.unstamped_writes import UnstampedWrites
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS
from tests.clock import Clock
from tests.integration.caching.redis_stores import TIMEOUT_OF_ENTRIES_S, is_hit, is_kept, keep
from tests.redis_server import RedisServer


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
