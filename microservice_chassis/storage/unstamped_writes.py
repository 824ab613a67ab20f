"""Where a worker that cannot change stamps says so before it writes: in MongoDB.

A worker that has lost Redis goes on writing, and another one may still answer from Redis:
it would never learn of those writes. So the first one leaves a note beside the data,
and waits until everybody has seen it and stopped to answer from the cache;
whoever cannot read the notes does not answer from the cache either.

The note is one document, `{_id: <collection>, until: date}`: it holds until then,
by MongoDB's own clock, and is renewed while such writes go on.
"""

from __future__ import annotations

import asyncio
import math
import time

from pymongo.asynchronous.collection import AsyncCollection

from microservice_chassis.storage.client import Document, reachable

# How long the absence of a note is trusted after it was read.
LEASE_S = 1.0

# How long a note holds, and after how long it is written anew by whoever goes on writing:
# in between there is time for one write, and for a slow clock.
NOTE_S = 6.0
_RENEWAL_S = 3.0


class UnstampedWrites:
    """The note of one collection, as one worker knows it."""

    def __init__(self, notes: AsyncCollection[Document], name: str) -> None:
        self._notes = notes
        self._name = name
        self._written_s = -math.inf  # by time.monotonic()
        self._writing = asyncio.Lock()

    async def announce(self) -> None:
        """Return when a write that changes no stamp may begin.

        Raises:
            DatabaseUnavailable: the note could not be written, and neither should the data be.
        """
        async with self._writing:
            began_s = time.monotonic()
            age_s = began_s - self._written_s
            if age_s < _RENEWAL_S:
                return
            until = {"$add": ["$$NOW", int(NOTE_S * 1000)]}
            with reachable():
                await self._notes.update_one(
                    {"_id": self._name}, [{"$set": {"until": until}}], upsert=True
                )
            if age_s >= NOTE_S:
                await asyncio.sleep(LEASE_S)
            self._written_s = began_s

    async def announced(self) -> bool:
        """Whether somebody may be writing without changing stamps.

        Raises:
            DatabaseUnavailable: nobody can say.
        """
        holds = {"_id": self._name, "$expr": {"$gt": ["$until", "$$NOW"]}}
        with reachable():
            return await self._notes.find_one(holds) is not None
