"""Request collapsing by next batch: equal reads that come together make one read of the database.

For each key at most one read runs and one waits. A read may be joined only while it waits,
before it has asked anything; so what a joiner gets was read after the joiner came,
and is as fresh as if it had asked by itself. No stamp is needed for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class RequestCollapsing(Generic[T]):
    """The reads of one worker."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Future[None]] = {}
        self._waiting: dict[str, asyncio.Task[T]] = {}

    async def read(self, key: str, ask: Callable[[bool], Awaitable[T]]) -> T:
        """Return what `ask` returns, or what that of an equal read returns that has yet to begin.

        `ask` is told whether it had to wait until another read had ended.

        Raises:
            whatever `ask` raises, in each of the reads that have joined.
        """
        waiting = self._waiting.get(key)
        if waiting is None:
            if key not in self._running:
                return await self._run(key, ask(False))
            waiting = asyncio.create_task(self._wait_and_run(key, ask))
            waiting.add_done_callback(_retrieve)
            self._waiting[key] = waiting
        # NOTE: the task belongs to nobody: who gives up leaves it to those who have joined.
        return await asyncio.shield(waiting)

    async def _wait_and_run(self, key: str, ask: Callable[[bool], Awaitable[T]]) -> T:
        while running := self._running.get(key):
            await running
        del self._waiting[key]
        return await self._run(key, ask(True))

    async def _run(self, key: str, asking: Awaitable[T]) -> T:
        ended = self._running[key] = asyncio.get_running_loop().create_future()
        try:
            return await asking
        finally:
            del self._running[key]
            ended.set_result(None)


def _retrieve(task: asyncio.Task[T]) -> None:
    """Take note of an exception that nobody may be left to ask for."""
    if not task.cancelled():
        task.exception()
