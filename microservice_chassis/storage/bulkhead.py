"""The bulkhead: a limit on the operations that one worker has under way at MongoDB.

The time limit of an operation runs while it waits for the event loop, too. With hundreds under way
in one worker it passes although MongoDB has answered long ago. Whoever waits at the bulkhead
has not started, and waits for as long as MongoDB answers others.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

import pymongo
from pymongo.errors import OperationFailure

from microservice_chassis.errors import DatabaseRefusal, DatabaseUnavailable
from microservice_chassis.storage.client import OPERATION_TIMEOUT_MS, reachable
from microservice_chassis.storage.operation_counts import OperationCounts
from microservice_chassis.storage.outage import Outage

# How many operations a worker has under way at once; enough to keep a MongoDB busy.
OPERATIONS = 10

# As how many others an operation counts whose answer is megabytes: those share the event loop
# as they arrive, so each of many would take as long as all of them.
LARGE = 5

_TIMEOUT_S = OPERATION_TIMEOUT_MS / 1000

# No operation is begun that has less time than that.
_LEAST_S = 0.01


class _Waiting(NamedTuple):
    """An operation that waits: as how many it counts, and what tells it that it may begin."""

    size: int
    permit: asyncio.Future[None]


class Bulkhead:
    """Lets a limited number of operations at a time to MongoDB, in the order in which they came."""

    def __init__(
        self, operations: int = OPERATIONS, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """`now_s` is the clock of the process that PyMongo goes by."""
        self._free = operations
        # Those who are first, and the others.
        self._waiting: tuple[deque[_Waiting], ...] = (deque(), deque())
        self._now_s = now_s
        self._answered_s = -_TIMEOUT_S
        self._outage = Outage()
        # For whoever watches the service.
        self.counts = OperationCounts()

    @property
    def waiting(self) -> int:
        """How many operations wait until they may begin."""
        return sum(map(len, self._waiting))

    @asynccontextmanager
    async def operation(
        self, *, size: int = 1, write: bool = False, first: bool = False
    ) -> AsyncIterator[float]:
        """Around one operation: wait until one more may begin, and then be `reachable`.

        It is given the moment at which its time is over, and PyMongo keeps to that.
        It counts as `size` of them, up to as many as there may be. One that is `first` begins
        before all that wait.

        An operation has OPERATION_TIMEOUT_MS. One that had to wait has as much, but counted from
        MongoDB's last answer to anybody, or from when it came, if that is later. So one slow
        operation is nobody else's matter; and where MongoDB is gone, nobody waits for longer than
        those who noticed it.

        Raises:
            DatabaseUnavailable
        """
        came_s = self._now_s()
        await self._acquire(size, first)
        try:
            began_s = self._now_s()
            until_s = max(came_s, self._answered_s) + _TIMEOUT_S
            with self._reported(came_s, began_s, write), reachable():
                if until_s - began_s < _LEAST_S:
                    raise DatabaseUnavailable("MongoDB has not answered those before")
                with pymongo.timeout(until_s - began_s):
                    yield until_s
        finally:
            self._release(size)

    @contextmanager
    def _reported(self, came_s: float, began_s: float, write: bool) -> Iterator[None]:
        """Take note of how an operation ends."""
        try:
            yield
        except DatabaseRefusal as error:
            self._answered_s = self._now_s()
            self.counts.ended(self._answered_s - began_s, "refused", write=write)
            self._outage.lost(error, came_s)
            raise
        except DatabaseUnavailable as error:
            self.counts.ended(self._now_s() - began_s, "unavailable", write=write)
            # NOTE: a MongoDB that has answered others meanwhile is there.
            if self._answered_s < began_s:
                self._outage.lost(error, came_s)
            raise
        except OperationFailure:
            self._answered_s = self._now_s()
            self.counts.ended(self._answered_s - began_s, "error", write=write)
            raise
        self._answered_s = self._now_s()
        self.counts.ended(self._answered_s - began_s, "answered", write=write)
        self._outage.answered(self._answered_s, write=write)

    async def _acquire(self, size: int, first: bool) -> None:
        if self._free >= size and not any(self._waiting):
            self._free -= size
            return
        waiting = _Waiting(size, asyncio.get_running_loop().create_future())
        self._waiting[0 if first else 1].append(waiting)
        try:
            await waiting.permit
        except asyncio.CancelledError:
            if waiting.permit.cancelled():
                self._release(0)  # those behind it may be smaller
            else:
                self._release(size)  # it was given to one that has gone
            raise

    def _release(self, size: int) -> None:
        """Give back the places of an operation that has ended, and let the next ones begin."""
        self._free += size
        for queue in self._waiting:
            while queue:
                if not queue[0].permit.cancelled():
                    if queue[0].size > self._free:
                        return
                    self._free -= queue[0].size
                    queue[0].permit.set_result(None)
                queue.popleft()
