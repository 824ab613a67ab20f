"""Work in the background goes on whatever happens to it, and ends when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from microservice_chassis.process.background import Background


class Rounds:
    """Work of which each round does as the next of some functions says."""

    def __init__(self, *rounds: Callable[[], float | None]) -> None:
        self._rounds = iter(rounds)
        self.through = asyncio.Event()
        self.closed = False

    async def work(self) -> float | None:
        ended = next(self._rounds, None)
        if ended is None:
            self.through.set()
            return None
        return ended()

    async def close(self) -> None:
        self.closed = True


def fail() -> float:
    raise ZeroDivisionError


async def test_work_that_dies_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    work = Rounds(lambda: 0.0, fail, lambda: 0.0, fail)
    background = Background([work], retry_s=0.0)
    await background.start()
    async with asyncio.timeout(30):
        await work.through.wait()
    await background.stop()
    assert [record.getMessage() for record in caplog.records] == [
        "Rounds failed, and is tried again"
    ] * 2
    assert "ZeroDivisionError" in caplog.text


class Deaf(Rounds):
    """Work to which a cancellation gets lost, as it can in a driver."""

    def __init__(self) -> None:
        super().__init__()
        self.began = asyncio.Event()
        self.rounds = 0

    async def work(self) -> float | None:
        self.rounds += 1
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert not self.closed
        return 0.0


async def test_the_end_waits_for_a_round_that_does_not_hear_of_it() -> None:
    work = Deaf()
    background = Background([work])
    await background.start()
    async with asyncio.timeout(30):
        await work.began.wait()
        await background.stop()
    assert work.closed
    assert work.rounds == 1
