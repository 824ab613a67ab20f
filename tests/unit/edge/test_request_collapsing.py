"""Equal reads that come together: who gets whose answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import pytest

from microservice_chassis.edge.request_collapsing import RequestCollapsing


class Database:
    """Reads of a counter: each answers what was there at its start, as soon as it is let go."""

    def __init__(self) -> None:
        self.value = 0
        self.begun = 0
        self.most = 0
        self._under_way = 0
        self._gate = asyncio.Event()

    async def read(self, _waited: bool) -> int:
        self.begun += 1
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        value = self.value
        try:
            await self._gate.wait()
        finally:
            self._under_way -= 1
        return value

    def let_go(self) -> None:
        self._gate.set()


async def settle() -> None:
    """Let every task run until it waits for something."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_of_many_equal_reads_one_runs_and_one_waits() -> None:
    collapsing: RequestCollapsing[int] = RequestCollapsing()
    database = Database()
    reads = [asyncio.create_task(collapsing.read("key", database.read)) for _ in range(50)]
    await settle()
    assert database.begun == 1
    database.value = 1
    database.let_go()
    assert await asyncio.gather(*reads) == [0] + [1] * 49
    assert (database.begun, database.most) == (2, 1)


async def test_a_read_that_has_begun_is_joined_by_nobody() -> None:
    collapsing: RequestCollapsing[int] = RequestCollapsing()
    database = Database()
    first = asyncio.create_task(collapsing.read("key", database.read))
    await settle()
    database.value = 1  # a write is answered, and only then the next one asks
    second = asyncio.create_task(collapsing.read("key", database.read))
    await settle()
    database.let_go()
    assert (await first, await second) == (0, 1)


async def test_reads_of_other_keys_are_not_held_up() -> None:
    collapsing: RequestCollapsing[int] = RequestCollapsing()
    database = Database()
    reads = [asyncio.create_task(collapsing.read(key, database.read)) for key in "abc"]
    await settle()
    assert database.begun == 3
    database.let_go()
    assert await asyncio.gather(*reads) == [0, 0, 0]


async def test_a_read_is_told_whether_it_had_to_wait() -> None:
    collapsing: RequestCollapsing[bool] = RequestCollapsing()

    async def tell(waited: bool) -> bool:
        await asyncio.sleep(0)
        return waited

    reads = (collapsing.read("key", tell) for _ in range(3))
    assert await asyncio.gather(*reads) == [False, True, True]


@pytest.mark.parametrize("gives_up", [0, 1, 2])
async def test_who_gives_up_harms_nobody(gives_up: int) -> None:
    collapsing: RequestCollapsing[int] = RequestCollapsing()
    database = Database()
    reads = [asyncio.create_task(collapsing.read("key", database.read)) for _ in range(4)]
    await settle()
    reads[gives_up].cancel()
    await settle()
    database.let_go()
    results = await asyncio.gather(*reads, return_exceptions=True)
    others = [result for number, result in enumerate(results) if number != gives_up]
    assert isinstance(results[gives_up], asyncio.CancelledError)
    assert others == [0, 0, 0]
    assert await collapsing.read("key", database.read) == 0


async def test_an_error_reaches_all_who_have_joined_and_nobody_later() -> None:
    collapsing: RequestCollapsing[int] = RequestCollapsing()
    database = Database()

    async def fail(waited: bool) -> int:
        await database.read(waited)
        raise ZeroDivisionError

    reads = [asyncio.create_task(collapsing.read("key", fail)) for _ in range(4)]
    await settle()
    database.let_go()
    results = await asyncio.gather(*reads, return_exceptions=True)
    assert {type(result) for result in results} == {ZeroDivisionError}
    assert database.begun == 2
    assert await collapsing.read("key", database.read) == 0


@pytest.mark.parametrize("seed", range(20))
async def test_nobody_gets_what_was_read_before_they_asked(seed: int) -> None:
    dice = random.Random(seed)
    collapsing: RequestCollapsing[int] = RequestCollapsing()
    acknowledged = 0
    stale = 0

    async def pause() -> None:
        for _ in range(dice.randrange(5)):
            await asyncio.sleep(0)

    async def ask(_waited: bool) -> int:
        await pause()
        value = acknowledged
        await pause()
        return value

    async def read() -> None:
        nonlocal stale
        for _ in range(30):
            floor = acknowledged
            stale += await collapsing.read("key", ask) < floor
            await pause()

    async def write() -> None:
        nonlocal acknowledged
        for _ in range(100):
            await pause()
            acknowledged += 1

    works: Sequence[Callable[[], Awaitable[None]]] = [read] * 8 + [write]
    await asyncio.gather(*(work() for work in works))
    assert stale == 0
