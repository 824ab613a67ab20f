"""The insertion: creates what a request asks for once, however often it is asked and cut off.

An intent is noted first; docs/data.md says what that promises.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from bson import ObjectId

from microservice_chassis.errors import DatabaseUnavailable
from microservice_chassis.schema.schema import Resource
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.codec import DocumentCodec, Stored
from microservice_chassis.storage.identifiers import Identifiers
from microservice_chassis.storage.intents import Intent, Intents
from microservice_chassis.storage.time_slices import TimeSlices
from microservice_chassis.storage.updates import now
from microservice_chassis.storage.writer import Writer

M = TypeVar("M", bound=Resource)

# How many documents are written in one operation, at first and at most: it must end in time, and
# let others in between, whatever indexes there are. So the next one has twice as many if one took
# less time than QUICK_S, and half as many if it took more.
FIRST_BATCH = 25
LARGEST_BATCH = 200
QUICK_S = 0.1

# How long it may take in all.
LONGEST_S = 30.0


class Submission(NamedTuple, Generic[M]):
    """What a client wants to be created once.

    `key` is its Idempotency-Key, if it has given one, and `body` a hash of what it has sent.
    `resources` returns what that describes, given the defaults of members that it leaves out.
    `owner` is the name of the client's API key, if it has one: two clients may use the same `key`.
    """

    key: str | None
    body: bytes
    resources: Callable[[Mapping[str, Any]], Awaitable[list[M]]]
    owner: str | None = None


class Insertion(Generic[M]):
    """Creates resources in one collection, under an intent."""

    def __init__(
        self,
        intents: Intents,
        writer: Writer,
        identifiers: Identifiers,
        defaults: Mapping[str, Any],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`defaults` are those of the settings; `now_s` is a clock of this process, in seconds."""
        self._intents = intents
        self._writer = writer
        self._identifiers = identifiers
        self._defaults = dict(defaults)
        self._now_s = now_s
        self._slices = TimeSlices()

    async def create(self, submission: Submission[M], codec: DocumentCodec[M]) -> list[Stored[M]]:
        """Return the resources of a submission as they are when they have just been created.

        They are created unless that is done already, by this request or by an earlier one.

        Raises:
            DatabaseUnavailable: it is not known what has been created.
            IntentUnderWay, OtherIntent: as `Intents.claim`.
        """
        ends_s = self._now_s() + LONGEST_S
        resources = await submission.resources(self._defaults)
        ids = self._identifiers.several(len(resources))
        intent = await self._intents.claim(
            submission.owner, submission.key, submission.body, ids, now(), self._defaults
        )
        if intent.defaults != self._defaults:
            resources = await submission.resources(intent.defaults)
        pairs = zip(resources, intent.ids, strict=True)
        created = await self._slices.map(lambda pair: _created(*pair, intent.created_at), pairs)
        if not intent.done:
            await self._write(intent, created, codec, ends_s)
            await self._intents.finish(intent)
        return created

    async def _write(
        self, intent: Intent, created: list[Stored[M]], codec: DocumentCodec[M], ends_s: float
    ) -> None:
        """Insert what is missing."""
        start, size = 0, FIRST_BATCH
        while start < len(created):
            began_s = self._now_s()
            if began_s > ends_s:
                raise DatabaseUnavailable(f"an insert took longer than {LONGEST_S:.0f} s")
            await self._intents.hold(intent)
            batch = slice(start, start + size)
            await self._writer.insert_missing(
                [
                    new_document(key, stored.resource, codec)
                    for key, stored in zip(intent.ids[batch], created[batch], strict=True)
                ]
            )
            start += size
            quick = self._now_s() < began_s + QUICK_S
            size = min(size * 2, LARGEST_BATCH) if quick else max(size // 2, 1)


def new_document(key: ObjectId, resource: M, codec: DocumentCodec[M]) -> Document:
    """Return the document of a resource that nobody has changed."""
    return {"_id": key, **codec.document(resource), "revision": 1}


def _created(resource: M, key: ObjectId, created_at: datetime) -> Stored[M]:
    times = {"created_at": created_at, "updated_at": created_at}
    return Stored(msgspec.structs.replace(resource, id=str(key), **times).with_derived(), 1)
