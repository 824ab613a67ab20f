"""Where a worker that cannot change stamps says so before it writes: in MongoDB.

A worker that has lost Redis goes on writing, and another one may still answer from Redis:
it would never learn of those writes. So the first one leaves a note beside the data,
and waits until everybody has seen it and stopped to answer from the cache;
whoever cannot read the notes does not answer from the cache either.

The note is one document, all of whose times are by MongoDB's own clock:

    _id         string      the name of the collection
    since       date        since when it has held without a gap
    until       date        until when it holds; put off while such writes go on
    at          date        when that was done last
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from pymongo import ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection

from microservice_chassis.storage.client import Document, reachable
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS

# How long the absence of a note is trusted after it was read.
LEASE_S = 1.0

# After how long a note is written anew by whoever goes on writing. It holds for longer than any
# write that begins before that can still happen, and so does the first one for its own write,
# which has waited for a lease.
_RENEWAL_S = LEASE_S

# How long a note holds at least.
NOTE_S = LONGEST_CHANGE_MS / 1000 + _RENEWAL_S

# Where no note holds, one begins.
_SINCE = {"$cond": [{"$gt": ["$until", "$$NOW"]}, {"$min": ["$since", "$$NOW"]}, "$$NOW"]}


class UnstampedWrites:
    """The note of one collection, as one worker knows it."""

    def __init__(
        self,
        notes: AsyncCollection[Document],
        name: str,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`now_s` and `sleep` are a clock of this process, in seconds."""
        self._notes = notes
        self._name = name
        self._now_s = now_s
        self._sleep = sleep
        self._until_s = -math.inf  # until when the note holds for sure
        self._writing = asyncio.Lock()

    async def announce(self, longest_ms: int = LONGEST_CHANGE_MS) -> None:
        """Return when a write may begin that changes no stamp, and can happen for `longest_ms`.

        Raises:
            DatabaseUnavailable: the note could not be written, and neither should the data be.
        """
        longest_s = longest_ms / 1000
        async with self._writing:
            began_s = self._now_s()
            if self._until_s >= began_s + longest_s:
                return
            hold_s = longest_s + _RENEWAL_S
            note = await self._write(hold_s)
            # NOTE: MongoDB says how long the note has held, whoever wrote it first: it may have
            #   lapsed while this one was on its way.
            seen_for_s = (note["at"] - note["since"]).total_seconds()
            if seen_for_s < LEASE_S:
                await self._sleep(LEASE_S - seen_for_s)
            self._until_s = max(self._until_s, began_s + hold_s)

    async def announced(self) -> bool:
        """Whether somebody may be writing without changing stamps.

        Raises:
            DatabaseUnavailable: nobody can say.
        """
        holds = {"_id": self._name, "$expr": {"$gt": ["$until", "$$NOW"]}}
        with reachable():
            return await self._notes.find_one(holds) is not None

    async def _write(self, hold_s: float) -> Document:
        """Let the note hold for that long, and return it."""
        until = {"$max": ["$until", {"$add": ["$$NOW", int(hold_s * 1000)]}]}
        with reachable():
            note: Any = await self._notes.find_one_and_update(
                {"_id": self._name},
                [{"$set": {"since": _SINCE, "until": until, "at": "$$NOW"}}],
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return cast("Document", note)
