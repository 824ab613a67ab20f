"""The background of a worker: work that goes on whatever happens to it, until the worker ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

# After how long work that has failed is tried again.
RETRY_S = 2.0

_logger = logging.getLogger(__name__)


class Work(Protocol):
    """Something that works in the background."""

    async def work(self) -> float | None:
        """Do what is due; return after how many seconds there is more, or None if that was all."""

    async def close(self) -> None:
        """Give back what the work has taken, once it has ended."""


class Background:
    """All the work in the background of one worker."""

    def __init__(self, parts: Sequence[Work], retry_s: float = RETRY_S) -> None:
        """`retry_s` is how long it rests where something unexpected has happened."""
        self._parts = parts
        self._retry_s = retry_s
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = False

    async def start(self) -> None:
        """Begin; it goes on beside the requests."""
        self._tasks = [asyncio.create_task(self._go_on(part)) for part in self._parts]

    async def stop(self) -> None:
        """End the work, and close its parts."""
        # NOTE: a cancellation can get lost in asyncio.wait_for() before Python 3.12, which the
        #   drivers call (python/cpython#86296); then the round that is under way is the last.
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for part in reversed(self._parts):
            await part.close()

    async def _go_on(self, part: Work) -> None:
        while not self._stopped:
            try:
                pause_s = await part.work()
            except Exception:
                _logger.exception("%s failed, and is tried again", type(part).__name__)
                pause_s = self._retry_s
            if pause_s is None:
                return
            await asyncio.sleep(pause_s)
