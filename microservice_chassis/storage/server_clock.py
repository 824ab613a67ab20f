"""The clock of the server that takes the writes, as one process knows it.

Each `hello` of a server tells its time (MongoDB manual, "hello", `localTime`), and PyMongo asks for
one when it connects, every two seconds, and when the server's role changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self, cast

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.monitoring import (
    ServerHeartbeatFailedEvent,
    ServerHeartbeatListener,
    ServerHeartbeatStartedEvent,
    ServerHeartbeatSucceededEvent,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def in_time(deadline: datetime) -> dict[str, Any]:
    """Return the condition that a change is made before a time by the server's clock."""
    return {"$expr": {"$lt": ["$$NOW", deadline]}}


class ServerClock(ServerHeartbeatListener):
    """What the server's clock shows at least.

    An answer is older when it arrives than when it was sent, by an unknown part of the round trip.
    So what is derived from it is never ahead of the server, and behind it by a round trip at most;
    unless the server's clock has jumped since, which the next answer tells.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        """`now_s` is a clock of this process, in seconds."""
        self._now_s = now_s
        # What to add to this process's clock for seconds since the epoch.
        self._ahead_s = 0.0

    @classmethod
    def of(cls, client: AsyncMongoClient[Any]) -> Self:
        """Return the clock that listens to a client; one that `connect` has made has it."""
        # NOTE: PyMongo's annotation names another class than that of what it returns.
        listeners = cast("list[object]", client.options.event_listeners)
        return next(each for each in listeners if isinstance(each, cls))

    def tell(self, server_time: datetime) -> None:
        """Take note of a time that the server has just answered."""
        if server_time.tzinfo is None:  # as PyMongo decodes a hello
            server_time = server_time.replace(tzinfo=UTC)
        self._ahead_s = (server_time - _EPOCH) / timedelta(seconds=1) - self._now_s()

    def at(self, moment_s: float) -> datetime:
        """Return what the server's clock shows, at least, when this process's shows `moment_s`.

        Before a server has told its time that is long ago.
        """
        # NOTE: cut to milliseconds, as $$NOW is: a time before the result is one before it
        #   with its microseconds, too.
        return _EPOCH + timedelta(milliseconds=int((moment_s + self._ahead_s) * 1000))

    async def read(
        self, collection: AsyncCollection[dict[str, Any]], key: object
    ) -> datetime | None:
        """Return the server's time, or None where a collection has no document of that `_id`."""
        found = await collection.find_one({"_id": key}, {"now": "$$NOW"})
        if found is None:
            return None
        now: datetime = found["now"]
        self.tell(now)
        return now

    def started(self, event: ServerHeartbeatStartedEvent) -> None:
        """Nothing is known yet."""

    def succeeded(self, event: ServerHeartbeatSucceededEvent) -> None:
        """Take note of the time of a server that takes writes."""
        if event.reply.is_writable:
            self.tell(event.reply.document["localTime"])

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        """What is known stays: the server's clock goes on."""
