"""Claims: who sends which of the notifications that are due, until when, and what became of it.

A document has beside the members of a notification

    due_at      date    when it is to be looked at next: its next attempt while it is pending, the
                        end of the lease while it is being sent; final ones have none
    claim       string  the name of the batch in which it was claimed last
    recordings  int     how many of its revisions are the delivery's; the others are clients'

All times are MongoDB's, so that dispatchers need no clock in common. Only those who have the token
of a claim record what became of it: one that was stopped past its lease changes nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection

from microservice_chassis.errors import UnreadableResource
from microservice_chassis.storage.bulkhead import Bulkhead
from microservice_chassis.storage.client import Document, reachable, unlimited
from microservice_chassis.storage.codec import DocumentCodec
from microservice_chassis.storage.raw_bson import decode
from microservice_chassis.storage.server_clock import ServerClock
from microservice_chassis.storage.time_slices import TimeSlices
from microservice_chassis.storage.writer import Writer
from notifications_microservice.models.claim_updates import (
    FINAL,
    LEASE_S,
    RELEASING,
    Record,
    claiming,
    recording,
)
from notifications_microservice.models.notification import Notification

# Only what is not final has a `due_at`, and so an entry in it.
DUE = IndexModel([("due_at", 1)], name="due", sparse=True)

_FIRST, _LAST = (each.replace(tzinfo=UTC) for each in (datetime.min, datetime.max))


class Waiting(NamedTuple):
    """What waits: the notifications that are due, each since when, and when the next one is."""

    due: dict[ObjectId, datetime]
    next_s: float | None  # in how many seconds


class Claimed(NamedTuple):
    """One notification to be sent.

    `edition` counts the changes that clients have made of it. `due_at` is since when it could have
    been sent. `notification` is None where what the database holds cannot be read; `unreadable`
    says why then.
    """

    key: ObjectId
    edition: int
    due_at: datetime
    notification: Notification | None
    unreadable: str = ""


class Batch(NamedTuple):
    """Notifications that one dispatcher has claimed together."""

    claim: str
    began_s: float  # by the dispatcher's clock, before MongoDB was asked
    began_at: datetime  # by MongoDB's
    claimed: list[Claimed]
    missed: int  # how many were due for too long


def boot_time_s() -> float:
    """Return a clock of this machine that goes on while it is suspended, in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Claims:
    """The claims of one dispatcher. Every method raises DatabaseUnavailable."""

    def __init__(
        self,
        documents: AsyncCollection[RawBSONDocument],
        writer: Writer,
        bulkhead: Bulkhead,
        codec: Callable[[], Awaitable[DocumentCodec[Notification]]],
        now_s: Callable[[], float] = boot_time_s,
    ) -> None:
        """`now_s` is a clock that a lease can be measured by, in seconds."""
        self._documents = documents
        self._writer = writer
        self._bulkhead = bulkhead
        self._codec = codec
        self._clock = ServerClock.of(documents.database.client)
        self._now_s = now_s
        # To read what was claimed takes long enough for the senders to run out of work.
        self._slices = TimeSlices()

    async def prepare(self) -> None:
        """Return when documents can be read, and what is due is found by an index.

        Raises:
            DatabaseTooNew
        """
        await self._codec()
        # NOTE: of a million it takes longer than an operation may.
        with unlimited(), reachable():
            await self._documents.create_indexes([DUE])

    async def waiting(self, limit: int) -> Waiting:
        """Return the first that are due, up to `limit` of them, and when the next one is."""
        found = self._documents.find(
            {"due_at": {"$gte": _FIRST, "$lte": _LAST}},
            {"due_at": 1, "updated_at": 1, "recordings": 1, "now": "$$NOW"},
            sort=[("due_at", 1)],
            limit=limit,
            hint=DUE.document["name"],
        )
        async with self._bulkhead.operation():
            raw = await found.to_list()
        documents = await self._slices.map(_decoded, raw)
        due: dict[ObjectId, datetime] = {}
        for document in documents:
            due_at, now = document["due_at"], document["now"]
            if not isinstance(due_at, datetime):
                continue
            if due_at > now:
                return Waiting(due, (due_at - now) / timedelta(seconds=1))
            due[document["_id"]] = _since(document)
        return Waiting(due, None if len(documents) < limit else 0)

    async def claim(self, due: dict[ObjectId, datetime], claim: str, missed_after_s: int) -> Batch:
        """Claim those that still are due; what was due for too long when first seen is missed.

        `claim` is a name that no batch had before.
        """
        codec = await self._codec()
        began_s = self._now_s()
        keys = list(due)
        is_due = {"due_at": {"$type": "date"}, "$expr": {"$lte": ["$due_at", "$$NOW"]}}
        await self._writer.update_many(keys, is_due, claiming(claim, missed_after_s))
        async with self._bulkhead.operation():
            found = self._documents.find({"_id": {"$in": keys}, "claim": claim})
            raw = await found.to_list()
        documents = await self._slices.map(_decoded, raw)
        began_at = documents[0]["updated_at"] if documents else _FIRST
        missed = sum(each["status"] == "missed" for each in documents)
        claimed = await self._slices.map(
            lambda each: _read(each, due[each["_id"]], codec),
            (each for each in documents if each["status"] == "sending"),
        )
        return Batch(claim, began_s, began_at, claimed, missed)

    async def record(self, claim: str, records: Sequence[Record]) -> int:
        """Record what became of some that were claimed together; return of how many.

        Those of which nothing is recorded have been recorded already, or are another's now.
        """
        keys = [each.key for each in records]
        return await self._writer.update_many(keys, _held_under(claim), recording(records))

    async def release(self, claim: str, keys: Sequence[ObjectId]) -> int:
        """Give back some of which no attempt was made; return how many."""
        return await self._writer.update_many(keys, _held_under(claim), RELEASING)

    async def release_all(self, prefix: str) -> int:
        """Give back all whose claim begins so; whoever had them is no more. Return how many."""
        now = self._clock.at(time.monotonic())
        lease = {"$gte": now, "$lte": now + 2 * timedelta(seconds=LEASE_S)}
        theirs = {"status": "sending", "claim": {"$regex": f"^{re.escape(prefix)}"}}
        async with self._bulkhead.operation():
            found = await self._documents.find({"due_at": lease, **theirs}, {"_id": 1}).to_list()
        keys = [decode(each.raw)["_id"] for each in found]
        return await self._writer.update_many(keys, theirs, RELEASING) if keys else 0

    async def recorded(self, claim: str, keys: Sequence[ObjectId]) -> set[ObjectId]:
        """Return which of those that were claimed together are final."""
        async with self._bulkhead.operation():
            found = self._documents.find(
                {"_id": {"$in": keys}, "claim": claim, "status": {"$in": FINAL}}, {"_id": 1}
            )
            return {decode(each.raw)["_id"] for each in await found.to_list()}


def _decoded(document: RawBSONDocument) -> Document:
    return decode(document.raw)


def _since(document: Document) -> datetime:
    """Return since when it could have been sent: its time, or a client's later change of it."""
    due_at: datetime = document["due_at"]
    changed_at = document.get("updated_at")
    if isinstance(changed_at, datetime) and not document.get("recordings"):
        return max(due_at, changed_at)
    return due_at


def _read(document: Document, due_at: datetime, codec: DocumentCodec[Notification]) -> Claimed:
    """Return one that has been claimed."""
    edition = document["revision"] - document["recordings"]
    try:
        notification = codec.read_decoded(document).resource
    except UnreadableResource as error:
        return Claimed(document["_id"], edition, due_at, None, str(error))
    return Claimed(document["_id"], edition, due_at, notification)


def _held_under(claim: str) -> Document:
    return {"status": "sending", "claim": claim}
