"""The figures of the delivery: what operators ask, of all dispatchers together.

Totals are in one document of the collection `Delivery`, from which nothing is ever taken away:

    _id         string      the name of the collection of notifications
    sent        int         how many were sent; likewise `deferred`, attempts that were
    missed      int         how many had been due for too long
    failed      document    how many failed, by what they were refused for
    delays      document    of those that were sent, how many took up to so many milliseconds from
                            when they could be sent until they were; `more` than the last bound

What waits is asked of the notifications themselves.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

from pymongo.asynchronous.collection import AsyncCollection

from microservice_chassis.storage.client import Document, reachable
from microservice_chassis.storage.server_clock import ServerClock
from notifications_microservice.models.claim_updates import LEASE_S

# The upper bounds of the histogram, in milliseconds.
DELAYS_MS = (
    *(5, 10, 25, 50, 100, 250, 500),
    *(1_000, 2_500, 5_000, 10_000, 60_000, 300_000, 3_600_000, 86_400_000),
)
MORE = "more"

# What a notification can fail for.
Failure = Literal["content", "recipient", "retries", "unreadable"]
FAILURES: tuple[str, ...] = get_args(Failure)

_FIRST = datetime.min.replace(tzinfo=UTC)


class Figures(NamedTuple):
    """Totals since the first dispatcher began, and what waits now."""

    sent: int
    deferred: int
    missed: int
    failed: Mapping[str, int]
    delays: Mapping[str, int]
    due: int
    sending: int
    oldest_s: float | None  # for how long the oldest one has been due


class FiguresRecord:
    """The figures in MongoDB. Every method raises DatabaseUnavailable."""

    def __init__(self, notifications: AsyncCollection[Document]) -> None:
        """`notifications` is what is counted."""
        self._notifications = notifications
        self._totals = notifications.database["Delivery"]
        self._clock = ServerClock.of(notifications.database.client)

    async def add(self, counted: Counter[str]) -> None:
        """Add to the totals; the keys are paths, like `failed.content`."""
        with reachable():
            await self._totals.update_one(
                {"_id": self._notifications.name}, {"$inc": dict(counted)}, upsert=True
            )

    async def read(self) -> Figures:
        """Return the figures as they are now."""
        with reachable():
            totals = await self._totals.find_one({"_id": self._notifications.name}) or {}
            waiting = await self._waiting()
        return Figures(
            sent=totals.get("sent", 0),
            deferred=totals.get("deferred", 0),
            missed=totals.get("missed", 0),
            failed=totals.get("failed", {}),
            delays=totals.get("delays", {}),
            due=waiting.get("due", 0),
            sending=waiting.get("sending", 0),
            oldest_s=waiting.get("oldest_s"),
        )

    async def _waiting(self) -> Document:
        """Count what is due or being sent, along the index of what is due."""
        leases_end = self._clock.at(time.monotonic()) + timedelta(seconds=2 * LEASE_S)
        is_due = {"$and": [{"$ne": ["$status", "sending"]}, {"$lte": ["$due_at", "$$NOW"]}]}
        oldest = {"$min": {"$cond": [is_due, "$due_at", None]}}
        stages: list[dict[str, Any]] = [
            {"$match": {"due_at": {"$gte": _FIRST, "$lte": leases_end}}},
            {
                "$group": {
                    "_id": None,
                    "due": {"$sum": {"$cond": [is_due, 1, 0]}},
                    "sending": {"$sum": {"$cond": [{"$eq": ["$status", "sending"]}, 1, 0]}},
                    "oldest": oldest,
                }
            },
            {
                "$set": {
                    "oldest_s": {
                        "$cond": [
                            {"$eq": [{"$type": "$oldest"}, "date"]},
                            {"$divide": [{"$subtract": ["$$NOW", "$oldest"]}, 1000]},
                            None,
                        ]
                    }
                }
            },
        ]
        found = await (await self._notifications.aggregate(stages)).to_list()
        return found[0] if found else {}


def delay_key(delay: timedelta) -> str:
    """Return the path of a delay among the totals."""
    place = bisect_left(DELAYS_MS, delay / timedelta(milliseconds=1))
    return f"delays.{DELAYS_MS[place] if place < len(DELAYS_MS) else MORE}"
