"""What the scripts in Redis make of writes that begin, happen, end, fail and die in any order."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from microservice_chassis.caching.redis_stamps import RedisStamps, is_changing, new_token
from tests.redis_server import RedisServer

# A write that can happen for a long time, and one that cannot any more at the next look.
LONG_MS, SHORT_MS = 60_000, 1


@dataclass
class Write:
    """One that has begun, and changes what is in the database at some time, or not at all."""

    token: bytes
    longest_ms: int
    to_come: bool
    made: bool = False


class Run:
    """A database of one number, those who write to it, and those who keep what they have read."""

    def __init__(self, client: Redis, stamps: RedisStamps, seed: int, *, forgetful: bool) -> None:
        self._client = client
        self._forgetful = forgetful
        self._dice = random.Random(seed)
        self._stamps = stamps
        self._database = self._answered = 0
        self._kept: list[tuple[bytes, int]] = []  # under which stamp what was kept
        self._under_way: list[Write] = []
        self._uncertain: list[Write] = []  # failed, or their process has died

    async def step(self) -> None:
        match self._dice.randrange(9):
            case 0 | 1:
                await self._begin()
            case 2 | 3 if self._under_way:
                await self._end(self._under_way.pop(self._dice.randrange(len(self._under_way))))
            case 4 if self._under_way:
                write = self._under_way.pop(self._dice.randrange(len(self._under_way)))
                self._uncertain.append(write)
            case 5:
                writes = [each for each in self._under_way + self._uncertain if each.to_come]
                if writes:
                    self._happen(self._dice.choice(writes))
            case 6 if self._forgetful:
                kind = self._dice.choice(("stamp", "writers"))
                await self._client.delete(f"{self._stamps.prefix}{kind} x")
            case _:
                await self._read()

    async def _begin(self) -> None:
        longest_ms = self._dice.choice((LONG_MS, LONG_MS, SHORT_MS))
        write = Write(new_token(), longest_ms, to_come=self._dice.random() < 0.6)
        await self._stamps.begin(["x"], write.token, longest_ms)
        if write.to_come and (longest_ms == SHORT_MS or self._dice.random() < 0.3):
            self._happen(write)
        self._under_way.append(write)

    def _happen(self, write: Write) -> None:
        self._database += 1
        write.to_come, write.made = False, True

    async def _end(self, write: Write) -> None:
        if write.to_come:
            self._happen(write)
        await self._stamps.end(["x"], write.token, changed=write.made)
        if write.made:
            self._answered = self._database

    async def _read(self) -> None:
        token = await self._client.get(f"{self._stamps.prefix}stamp x")
        if token is None:
            token = await self._stamps.first("x")
        assert isinstance(token, bytes)
        if not is_changing(token):
            # NOTE: where the marks of writes are forgotten, those that are not answered are seen
            #   by some and not by others.
            least = self._answered if self._forgetful else self._database
            assert all(value >= least for stamp, value in self._kept if stamp == token)
            self._kept.append((token, self._database))


@pytest.fixture
async def client(redis: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis.url) as client:
        yield client


@pytest.fixture
def stamps(client: Redis) -> RedisStamps:
    stamps = RedisStamps(client, timeout_s=60)
    stamps.prefix = f"{uuid4()}:"
    return stamps


async def test_a_stamp_does_not_go_back_past_a_write_that_died_beside_another(
    client: Redis, stamps: RedisStamps
) -> None:
    """It may have happened; those that end later have changed nothing."""
    before = await stamps.first("x")
    dead, other, later = (new_token() for _ in range(3))
    await stamps.begin(["x"], other, LONG_MS)
    await stamps.begin(["x"], dead, SHORT_MS)
    began = await client.time()
    while await client.time() <= (began[0], began[1] + 2 * SHORT_MS * 1000):
        pass
    await stamps.begin(["x"], later, LONG_MS)
    for token in (other, later):
        await stamps.end(["x"], token, changed=False)
    after = await stamps.first("x")
    assert after is not None
    assert after != before
    assert not is_changing(after)


async def test_a_stamp_does_not_go_back_where_the_writers_were_forgotten(
    client: Redis, stamps: RedisStamps
) -> None:
    before = await stamps.first("x")
    dead, later = new_token(), new_token()
    await stamps.begin(["x"], dead, LONG_MS)
    await client.delete(f"{stamps.prefix}writers x")
    await stamps.begin(["x"], later, LONG_MS)
    await stamps.end(["x"], later, changed=False)
    after = await stamps.first("x")
    assert after is not None
    assert after != before
    assert not is_changing(after)


async def test_a_stamp_goes_back_where_nothing_has_changed(stamps: RedisStamps) -> None:
    before = await stamps.first("x")
    one, other = new_token(), new_token()
    for token in (one, other):
        await stamps.begin(["x"], token, LONG_MS)
    for token in (one, other):
        await stamps.end(["x"], token, changed=False)
    assert await stamps.first("x") == before


@pytest.mark.parametrize("forgetful", [False, True])
@pytest.mark.parametrize("seed", range(10))
async def test_nothing_counts_that_was_read_before_the_last_change(
    client: Redis, stamps: RedisStamps, seed: int, forgetful: bool
) -> None:
    """Not even where Redis forgets anything at any time."""
    run = Run(client, stamps, seed, forgetful=forgetful)
    for _ in range(200):
        await run.step()
