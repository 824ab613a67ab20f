"""The bulkhead: a limit on the operations that one worker has under way at MongoDB.

The time limit of an operation runs while it waits for the event loop, too. With hundreds under way
in one worker it passes although MongoDB has answered long ago. Whoever waits at the bulkhead
has not started, and has no time limit yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from microservice_chassis.errors import DatabaseUnavailable
from microservice_chassis.storage.client import reachable

# How many operations a worker has under way at once; enough to keep a MongoDB busy.
OPERATIONS = 10


class Bulkhead:
    """Lets a limited number of operations at a time to MongoDB, in the order in which they came."""

    def __init__(self, operations: int = OPERATIONS) -> None:
        self._free = asyncio.Semaphore(operations)
        self._outages = 0

    @asynccontextmanager
    async def operation(self) -> AsyncIterator[None]:
        """Around one operation: wait until one more may begin, and then be `reachable`.

        Raises:
            DatabaseUnavailable: by this operation, or by one before it while it waited; so nobody
                waits longer for an outage than those who noticed it.
        """
        outages = self._outages
        async with self._free:
            if outages != self._outages:
                raise DatabaseUnavailable("MongoDB became unavailable to operations before")
            try:
                with reachable():
                    yield
            except DatabaseUnavailable:
                self._outages += 1
                raise
