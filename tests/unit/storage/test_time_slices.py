from __future__ import annotations

import asyncio
import time

import pytest

from microservice_chassis.storage.time_slices import TimeSlices


def slowly(number: int) -> int:
    """Take longer than a slice is."""
    ends_s = time.monotonic() + 0.001
    while time.monotonic() < ends_s:
        pass
    return number


async def test_the_results_are_in_the_order_of_the_items() -> None:
    slices = TimeSlices()
    assert await slices.map(str, []) == []
    assert await slices.map(str, range(3)) == ["0", "1", "2"]
    assert await slices.map(slowly, range(5)) == [0, 1, 2, 3, 4]


async def test_others_run_between_the_slices() -> None:
    turns: list[str] = []

    def work(_: int) -> None:
        turns.append("work")
        slowly(0)

    async def other() -> None:
        for _ in range(4):
            turns.append("other")
            await asyncio.sleep(0)

    await asyncio.gather(TimeSlices().map(work, range(4)), other())
    assert turns == ["work", "other"] * 4


async def test_of_several_long_works_one_is_done_at_a_time() -> None:
    slices, turns = TimeSlices(), []

    def work(name: str) -> None:
        turns.append(name)
        slowly(0)

    await asyncio.gather(*(slices.map(work, [name] * 4) for name in "abc"))
    assert "".join(turns[3:]) == "aaabbbccc"


async def test_what_a_function_raises_is_raised_and_the_next_work_goes_on() -> None:
    slices = TimeSlices()

    def fail(number: int) -> int:
        slowly(number)
        return 1 // number

    with pytest.raises(ZeroDivisionError):
        await slices.map(fail, [2, 1, 0])
    assert await slices.map(slowly, [1, 2]) == [1, 2]
