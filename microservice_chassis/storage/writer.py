"""The writer: changes the documents of one collection in time, or never.

A client's time limit does not stop MongoDB: what waits in a socket, in front of a process that was
stopped or behind a slow network, is carried out later, over what others have been told meanwhile.
So a change says in its own filter until when it may be made, by the server's clock:
`{$expr: {$lt: ["$$NOW", deadline]}}`. Where it matches nothing, one more look tells why.

MongoDB takes no `$expr` in the filter of an upsert, and an insert has none; those may happen late.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

from microservice_chassis.errors import DatabaseRefusal, DatabaseUnavailable, ResourceNotFound
from microservice_chassis.storage.bulkhead import Bulkhead
from microservice_chassis.storage.client import OPERATION_TIMEOUT_MS, Document
from microservice_chassis.storage.raw_bson import RAW_OPTIONS
from microservice_chassis.storage.server_clock import ServerClock, in_time
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS, Change, VersionStamps

# How old the entry of a write beside its stamps may be when the write begins: it has to outlast
# the write, with half a second for the event loop.
_ENTRY_S = (LONGEST_CHANGE_MS - OPERATION_TIMEOUT_MS) / 1000 - 0.5


# MongoDB's code of an error for a key that another document has (src/mongo/base/error_codes.yml).
_DUPLICATE_KEY = 11000


class _Permit(NamedTuple):
    """One write that may begin: until when, by the writer's clock, and what it turns out to be."""

    until_s: float
    change: Change


class Writer:
    """Writes to one collection; every method raises DatabaseUnavailable.

    Each is answered only once it is made, or cannot be made any more, but for an insert.
    """

    def __init__(
        self,
        collection: AsyncCollection[Document],
        name: str,
        stamps: VersionStamps,
        bulkhead: Bulkhead,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` is the collection's in its stamp, `now_s` the clock that the bulkhead goes by."""
        self._collection = collection
        self._raw: AsyncCollection[RawBSONDocument] = collection.with_options(
            codec_options=RAW_OPTIONS
        )
        self._name = name
        self._stamps = stamps
        self._bulkhead = bulkhead
        self._now_s = now_s
        self._clock = ServerClock.of(collection.database.client)

    async def insert_missing(self, documents: Sequence[Document]) -> None:
        """Insert those of some documents whose `_id` no other has."""
        async with self._permitted(self._name, insert=True):
            try:
                await self._collection.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                if not _only_duplicates(error):
                    raise

    async def remove(self, keys: Sequence[ObjectId], until_s: float) -> int:
        """Remove documents before a moment by the writer's clock; return how many were there.

        Raises:
            DatabaseUnavailable: it came too late for some, which are still there.
        """
        query = {"_id": {"$in": keys}}
        names = (f"{self._name}/{key}" for key in keys)
        async with self._permitted(self._name, *names) as permit:
            deadline = self._clock.at(min(permit.until_s, until_s))
            result = await self._collection.delete_many({**query, **in_time(deadline)})
            permit.change.made = result.deleted_count > 0
            if await self._collection.find_one(query, {"_id": 1}) is not None:
                raise DatabaseUnavailable("a part of a removal came too late")
        return result.deleted_count

    @asynccontextmanager
    async def inserting(self) -> AsyncIterator[Callable[[Document], Awaitable[object]]]:
        """Around the insert of one document: gives what inserts it, once it may begin."""
        async with self._permitted(self._name, insert=True):
            yield self._collection.insert_one

    async def update(
        self,
        key: ObjectId,
        condition: Document,
        update: Document | list[Document],
        returned: bool = ReturnDocument.AFTER,
    ) -> RawBSONDocument | None:
        """Change a document where a condition holds; return what it is then, or was.

        Raises:
            ResourceNotFound
        """
        return await self._change(
            key,
            lambda timely: self._raw.find_one_and_update(
                condition | timely, update, return_document=returned
            ),
        )

    async def update_many(
        self, keys: Sequence[ObjectId], condition: Document, update: list[Document]
    ) -> int:
        """Change the documents of some keys where a condition holds; return how many."""
        if not keys:
            return 0
        names = (self._name, *(f"{self._name}/{key}" for key in keys))
        async with self._permitted(*names) as permit:
            while True:
                deadline = self._clock.at(permit.until_s)
                result = await self._collection.update_many(
                    {"_id": {"$in": keys}, "$and": [condition, in_time(deadline)]}, update
                )
                permit.change.made = bool(result.matched_count)
                if permit.change.made:
                    return result.matched_count
                # NOTE: as in _change, which says why.
                now = await self._clock.read(self._collection, keys[0])
                if now is None or now < deadline:
                    return 0

    async def replace(
        self, key: ObjectId, condition: Document, document: RawBSONDocument
    ) -> RawBSONDocument | None:
        """Put a document in the place of another, where a condition holds; return what was there.

        Raises:
            ResourceNotFound
        """
        return await self._change(
            key, lambda timely: self._raw.find_one_and_replace(condition | timely, document)
        )

    async def delete(self, key: ObjectId, condition: Document) -> RawBSONDocument | None:
        """Remove a document where a condition holds, and return what it was.

        Raises:
            ResourceNotFound
        """
        return await self._change(
            key, lambda timely: self._raw.find_one_and_delete(condition | timely)
        )

    async def _change(
        self, key: ObjectId, operation: Callable[[Document], Awaitable[RawBSONDocument | None]]
    ) -> RawBSONDocument | None:
        """Return what an operation returns, given the condition that it finds a document in time.

        None says that there is a document, which does not fulfil the operation's own condition.
        """
        async with self._permitted(self._name, f"{self._name}/{key}") as permit:
            while True:
                deadline = self._clock.at(permit.until_s)
                document = await operation({"_id": key, **in_time(deadline)})
                if document is not None:
                    return document
                # NOTE: the deadline may have passed only because the server's clock is another
                #   than it was; now it is known, and PyMongo ends this when the time is over.
                now = await self._clock.read(self._collection, key)
                if now is None or now < deadline:
                    permit.change.made = False
                    break
        if now is None:
            raise ResourceNotFound(str(key))
        return None

    @asynccontextmanager
    async def _permitted(self, *names: str, insert: bool = False) -> AsyncIterator[_Permit]:
        """Around one write: enter it beside the stamps, and then wait for its permit at MongoDB.

        Nobody waits for the stamps, which may be in Redis, with a permit in hand. An entry counts
        for LONGEST_CHANGE_MS; where the permit came so late that it might not outlast the write,
        it is made anew, and then this write has its permit before all that wait.
        """
        first = False
        while True:
            entering_s = self._now_s()
            async with self._stamps.change(*names, insert=insert) as change:
                until_s = entering_s
                try:
                    async with self._bulkhead.operation(write=True, first=first) as until_s:
                        if self._now_s() - entering_s < _ENTRY_S:
                            yield _Permit(until_s, change)
                            return
                except DatabaseRefusal:
                    raise
                except DatabaseUnavailable:
                    # NOTE: it may still be made until its deadline, and whoever is told that it
                    #   failed may then have another write acknowledged.
                    await asyncio.sleep(until_s - self._now_s())
                    raise
                change.made = False
            first = True


def _only_duplicates(error: BulkWriteError) -> bool:
    """Whether nothing has failed but the insert of documents that are there already."""
    failed = error.details
    return not failed["writeConcernErrors"] and all(
        each["code"] == _DUPLICATE_KEY for each in failed["writeErrors"]
    )
