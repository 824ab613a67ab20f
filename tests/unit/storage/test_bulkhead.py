"""How operations wait at the bulkhead."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, suppress

import pytest
from pymongo.errors import AutoReconnect, NetworkTimeout, OperationFailure

from microservice_chassis.errors import DatabaseRefusal, DatabaseUnavailable
from microservice_chassis.storage.bulkhead import Bulkhead
from microservice_chassis.storage.client import OPERATION_TIMEOUT_MS
from microservice_chassis.storage.operation_counts import Kind

TIMEOUT_S = OPERATION_TIMEOUT_MS / 1000


class Clock:
    """A clock that the test moves on."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Operation:
    """An operation that ends when and as the test says."""

    def __init__(self, operation: AbstractAsyncContextManager[float]) -> None:
        self._operation = operation
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.until_s: float | None = None
        self.task = asyncio.create_task(self._operate())

    async def _operate(self) -> None:
        async with self._operation as self.until_s:
            await self._end

    @property
    def begun(self) -> bool:
        return self.until_s is not None

    async def answer(self) -> None:
        self._end.set_result(None)
        await settled()

    async def fail(self, error: Exception) -> None:
        self._end.set_exception(error)
        await settled()


async def settled() -> None:
    """Let all that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def begin(bulkhead: Bulkhead, size: int = 1, first: bool = False) -> Operation:
    operation = Operation(bulkhead.operation(size=size, first=first))
    await settled()
    return operation


async def test_the_operations_under_way_are_limited_and_keep_their_order() -> None:
    bulkhead = Bulkhead(operations=2)
    under_way: set[int] = set()
    most = 0
    order = []

    async def operate(number: int) -> None:
        nonlocal most
        async with bulkhead.operation():
            order.append(number)
            under_way.add(number)
            most = max(most, len(under_way))
            await asyncio.sleep(0)
            under_way.remove(number)

    await asyncio.gather(*(operate(number) for number in range(10)))
    assert most == 2
    assert order == list(range(10))


async def test_a_large_operation_takes_the_places_of_several() -> None:
    bulkhead = Bulkhead(operations=4)
    large = [await begin(bulkhead, size=3) for _ in range(2)]
    small = [await begin(bulkhead) for _ in range(2)]
    assert [each.begun for each in large + small] == [True, False, False, False]
    await large[0].answer()
    assert [each.begun for each in large + small] == [True, True, True, False]
    await large[1].answer()
    assert small[1].begun
    for each in small:
        await each.answer()


async def test_who_is_first_begins_before_all_that_wait() -> None:
    bulkhead = Bulkhead(operations=1)
    running, waiting, first = (
        await begin(bulkhead),
        await begin(bulkhead),
        await begin(bulkhead, first=True),
    )
    await running.answer()
    assert (first.begun, waiting.begun) == (True, False)
    await first.answer()
    assert waiting.begun
    await waiting.answer()


async def test_whoever_gives_up_waiting_takes_no_place() -> None:
    bulkhead = Bulkhead(operations=2)
    running = [await begin(bulkhead), await begin(bulkhead)]
    large, small = await begin(bulkhead, size=2), await begin(bulkhead)
    await running[0].answer()
    assert not small.begun
    large.task.cancel()
    await settled()
    assert small.begun
    given = await begin(bulkhead)
    await running[1].answer()
    assert given.begun
    for each in (small, given):
        each.task.cancel()
    await settled()
    last = await begin(bulkhead, size=2)
    assert last.begun
    await last.answer()


async def test_one_slow_operation_ends_the_wait_of_nobody() -> None:
    clock = Clock()
    bulkhead = Bulkhead(operations=2, now_s=clock)
    slow, quick = await begin(bulkhead), await begin(bulkhead)
    waiting = [await begin(bulkhead) for _ in range(3)]
    clock.now_s += TIMEOUT_S - 0.1
    await quick.answer()
    clock.now_s += 0.1
    await slow.fail(NetworkTimeout("slow"))
    with pytest.raises(DatabaseUnavailable):
        await slow.task
    assert [each.begun for each in waiting] == [True, True, False]
    for each in waiting:
        await each.answer()
        await each.task


async def test_who_had_to_wait_has_all_its_time_where_mongodb_answers() -> None:
    clock = Clock()
    bulkhead = Bulkhead(operations=1, now_s=clock)
    operations = [await begin(bulkhead) for _ in range(5)]
    for each in operations:
        assert each.until_s == clock.now_s + TIMEOUT_S
        clock.now_s += 1.0
        await each.answer()


async def test_where_mongodb_is_gone_nobody_waits_longer_than_the_time_of_one_operation() -> None:
    clock = Clock()
    bulkhead = Bulkhead(operations=1, now_s=clock)
    came_s = clock.now_s
    operations = []
    for _ in range(5):
        operations.append(await begin(bulkhead))
        clock.now_s += 0.3
    failed = []
    for number, each in enumerate(operations):
        if each.until_s is not None:
            clock.now_s = max(clock.now_s, each.until_s)
            await each.fail(NetworkTimeout("gone"))
        with pytest.raises(DatabaseUnavailable):
            await each.task
        failed.append(clock.now_s - (came_s + 0.3 * number))
    assert max(failed) <= TIMEOUT_S + 0.001
    later = await begin(bulkhead)
    assert later.until_s == clock.now_s + TIMEOUT_S
    await later.answer()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


async def attempt(bulkhead: Bulkhead, error: Exception | None, *, write: bool = False) -> None:
    with suppress(DatabaseUnavailable):
        async with bulkhead.operation(write=write):
            if error is not None:
                raise error


async def test_an_outage_is_one_line_when_mongodb_is_lost_and_one_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    bulkhead = Bulkhead()
    await attempt(bulkhead, None)
    for _ in range(3):
        await attempt(bulkhead, AutoReconnect("no route"))
    for _ in range(3):
        await attempt(bulkhead, None)
    assert lines(caplog) == ["MongoDB is unavailable: no route", "MongoDB is available again"]


async def test_rights_that_are_lacking_are_one_line_until_a_write_succeeds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    bulkhead = Bulkhead()
    refusal = OperationFailure("the user's name and the command", code=13)
    for _ in range(3):
        await attempt(bulkhead, refusal, write=True)
        await attempt(bulkhead, None)
    assert lines(caplog) == ["MongoDB is unavailable: MongoDB refuses it (code 13)"]
    await attempt(bulkhead, None, write=True)
    assert lines(caplog)[1:] == ["MongoDB is available again"]


async def test_one_slow_operation_among_others_is_no_outage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    bulkhead = Bulkhead(now_s=clock)
    slow = await begin(bulkhead)
    clock.now_s += 1.0
    await (await begin(bulkhead)).answer()
    await slow.fail(NetworkTimeout("slow"))
    with pytest.raises(DatabaseUnavailable):
        await slow.task
    assert lines(caplog) == []


@pytest.mark.parametrize("code", [11, 13, 18, 8000])
async def test_a_user_whom_mongodb_refuses_is_a_refusal(code: int) -> None:
    with pytest.raises(DatabaseRefusal, match=f"code {code}"):
        async with Bulkhead().operation():
            raise OperationFailure("secret", code=code)


async def test_an_error_that_nobody_expected_stays_what_it_is() -> None:
    with pytest.raises(OperationFailure, match="unknown operator"):
        async with Bulkhead().operation():
            raise OperationFailure("unknown operator: $foo", code=2)


async def test_each_operation_is_counted_by_how_it_ended_and_how_long_it_took() -> None:
    clock = Clock()
    bulkhead = Bulkhead(now_s=clock)
    for error, write in [
        (None, True),
        (NetworkTimeout("gone"), True),
        (OperationFailure("no", code=13), False),
        (OperationFailure("what?", code=2), False),
    ]:
        with suppress(Exception):
            async with bulkhead.operation(write=write):
                clock.now_s += 0.5
                if error is not None:
                    raise error
    ended = bulkhead.counts.take_ended()
    assert set(ended) == {
        Kind(write=True, outcome="answered"),
        Kind(write=True, outcome="unavailable"),
        Kind(write=False, outcome="refused"),
        Kind(write=False, outcome="error"),
    }
    assert {(each.count, each.total_s) for each in ended.values()} == {(1, 0.5)}
    assert bulkhead.counts.take_ended() == {}


async def test_one_can_see_how_many_operations_wait() -> None:
    bulkhead = Bulkhead(operations=1)
    running = await begin(bulkhead)
    waiting = [await begin(bulkhead), await begin(bulkhead, first=True)]
    assert bulkhead.waiting == 2
    for each in (running, waiting[1], waiting[0]):
        await each.answer()
    assert bulkhead.waiting == 0
