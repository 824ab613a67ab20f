"""A lease in MongoDB: who does a piece of work, until when, by MongoDB's clock.

It is a member of a document that exists: `{by: <token>, until: date}`. It spares others the work;
what must hold whoever works is held by the writes themselves, for a holder may be stopped past its
lease and not know it.
"""

from __future__ import annotations

import secrets
import time

from pymongo.asynchronous.collection import AsyncCollection

from microservice_chassis.storage.client import OPERATION_TIMEOUT_MS, Document, reachable
from microservice_chassis.storage.server_clock import ServerClock, in_time

DURATION_S = 10.0

# How long a holder may go on before it prolongs the lease.
RENEWAL_S = 2.0


class Lease:
    """One lease, as one process sees it. Every coroutine raises DatabaseUnavailable."""

    def __init__(
        self,
        collection: AsyncCollection[Document],
        key: object,
        member: str,
        duration_s: float = DURATION_S,
    ) -> None:
        """It is the `member` of the document whose `_id` is `key`."""
        self._collection = collection
        self._key = key
        self._member = member
        self._duration_s = duration_s
        self._clock = ServerClock.of(collection.database.client)
        self._token = secrets.token_hex(8)
        self._prolonged_s = 0.0  # by time.monotonic()
        # The expression that nobody has it, and the one of its value for this holder, for who takes
        # it in an operation that does more (MongoDB manual, "Aggregation Operators").
        self.free = {"$lt": [{"$ifNull": [f"${member}.until", None]}, "$$NOW"]}
        self.grant = {
            "by": self._token,
            "until": {"$add": ["$$NOW", int(duration_s * 1000)]},
        }

    async def claim(self) -> bool:
        """Take the lease where nobody has it, and return whether that is so."""
        return await self._take({"$expr": self.free})

    async def hold(self) -> bool:
        """Prolong the lease if it is time to, and return whether it is still this holder's."""
        return not self.due or await self._take(self.held)

    async def release(self) -> None:
        """Give the lease back, if it is still this holder's."""
        with reachable():
            await self._collection.update_one(
                {"_id": self._key, **self.held, **self._in_time()},
                {"$unset": {self._member: ""}},
            )

    def taken(self, began_s: float, document: Document) -> bool:
        """Whether an operation that began then, and left this document, has taken the lease."""
        if document.get(self._member, {}).get("by") != self._token:
            return False
        self._prolonged_s = began_s
        return True

    @property
    def held(self) -> Document:
        """The condition that it is still this holder's."""
        return {f"{self._member}.by": self._token}

    @property
    def due(self) -> bool:
        """Whether it is time to prolong it."""
        return time.monotonic() >= self._prolonged_s + RENEWAL_S

    @property
    def until_s(self) -> float:
        """Until when nobody else can take it, at least, by time.monotonic()."""
        return self._prolonged_s + self._duration_s

    async def _take(self, condition: Document) -> bool:
        began_s = time.monotonic()
        with reachable():
            result = await self._collection.update_one(
                {"_id": self._key, "$and": [condition, self._in_time()]},
                [{"$set": {self._member: self.grant}}],
            )
        if result.matched_count:
            self._prolonged_s = began_s
        return bool(result.matched_count)

    def _in_time(self) -> Document:
        """Return the condition that this is done before it is given up."""
        return in_time(self._clock.at(time.monotonic() + OPERATION_TIMEOUT_MS / 1000))
