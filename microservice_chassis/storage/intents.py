"""Intents: what a request is about to create, noted before anything is created.

One document of the collection `Intents`:

    _id         document    `collection`; whose key it is (`owner`: the name of an API key, null
                            where there are none); and `key`: a client's, or of the service's own,
                            an ObjectId
    body        binary      a hash of the request's body
    ids         array       what the resources get, ObjectIds in their order
    created_at  date        what all of them get
    defaults    document    of members that the body leaves out, as the settings were
    worker      document    the lease of who works at it; see `lease`
    done        bool        true once everything has been created
    look_at     date        when the rollback looks at it; only where several resources were to be
                            created and perhaps not all of them are
    expires_at  date        when MongoDB removes it, unless the rollback may have to look at it

So whoever repeats a request creates what is missing under the same ids, and nothing is made twice.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from bson import Binary, ObjectId
from pymongo import IndexModel, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from microservice_chassis.errors import IntentUnderWay, OtherIntent
from microservice_chassis.storage.bulkhead import Bulkhead
from microservice_chassis.storage.client import Document, reachable, unlimited
from microservice_chassis.storage.lease import Lease
from microservice_chassis.storage.server_clock import ServerClock

# How long a worker that has gone keeps others from its work: longer than one operation may take.
LEASE_S = 5.0

# For how long a client can repeat a request.
_REPEATABLE_MS = 24 * 60 * 60 * 1000

# How long a request that was cut off is left to its client.
GRACE_S = 60.0

# So many that were cut off are looked at in one go.
_MANY = 100

INDEXES = (
    IndexModel("expires_at", name="expired", expireAfterSeconds=0),
    IndexModel("look_at", name="cut_off", sparse=True),
)

# Since when there has been an intent, in milliseconds.
_AGE_MS = {"$subtract": ["$$NOW", "$created_at"]}


class Intent(NamedTuple):
    """One intent, as the worker has it that may carry it out."""

    key: Document
    ids: list[ObjectId]
    created_at: datetime
    defaults: Mapping[str, Any]
    done: bool
    lease: Lease


class Intents:
    """The intents of one collection. Every method raises DatabaseUnavailable."""

    def __init__(
        self, intents: AsyncCollection[Document], collection: str, bulkhead: Bulkhead
    ) -> None:
        """`collection` is the name of the one in which the resources are created."""
        self._intents = intents
        self._collection = collection
        self._bulkhead = bulkhead
        self._clock = ServerClock.of(intents.database.client)

    async def create_indexes(self) -> None:
        """Create the indexes, where they are missing."""
        with unlimited(), reachable():
            await self._intents.create_indexes([*INDEXES])

    async def claim(
        self,
        owner: str | None,
        key: str | None,
        body: bytes,
        ids: Sequence[ObjectId],
        created_at: datetime,
        defaults: Mapping[str, Any],
    ) -> Intent:
        """Note an intent, or take over the one that has this key already, with what it says.

        Raises:
            OtherIntent: the key is that of another body.
            IntentUnderWay: somebody is at it.
        """
        key_ = {"collection": self._collection, "owner": owner, "key": key or ids[0]}
        noted = {"body": Binary(body), "ids": ids, "created_at": created_at, "defaults": defaults}
        lease = Lease(self._intents, key_, "worker", LEASE_S)
        async with self._bulkhead.operation(write=True):
            began_s = time.monotonic()
            try:
                found = await self._note(key_, noted, lease)
            except DuplicateKeyError:  # another worker has noted it first
                found = await self._note(key_, noted, lease)
        if found["body"] != body:
            raise OtherIntent(str(key))
        intent = _intent(found, lease)
        if not intent.done and not lease.taken(began_s, found):
            raise IntentUnderWay(str(key))
        return intent

    async def hold(self, intent: Intent) -> None:
        """Prolong the lease, if it is time to.

        Raises:
            IntentUnderWay: somebody else has taken it over.
        """
        if not intent.lease.due:
            return
        async with self._bulkhead.operation(write=True, first=True):
            held = await intent.lease.hold()
        if not held:
            raise IntentUnderWay(str(intent.key))

    async def finish(self, intent: Intent) -> None:
        """Say that everything has been created.

        Raises:
            IntentUnderWay: somebody else has taken it over.
        """
        done = {"done": True, "expires_at": {"$add": ["$$NOW", _REPEATABLE_MS]}}
        await self._leave(intent, [{"$set": done}, {"$unset": ["worker", "look_at"]}])

    async def cut_off(self, within_s: float = 0.0) -> list[Document]:
        """Return the keys of intents that the rollback is to look at, or will be soon."""
        due = self._clock.at(time.monotonic() + within_s)
        query = {"look_at": {"$lt": due}, "_id.collection": self._collection}
        async with self._bulkhead.operation():
            found = await self._intents.find(query, {"_id": 1}, limit=_MANY).to_list()
        return [each["_id"] for each in found]

    async def take(self, key: Document) -> Intent | None:
        """Take an intent that was cut off; None where somebody is at it, or it is done."""
        lease = Lease(self._intents, key, "worker", LEASE_S)
        condition = {"_id": key, "look_at": {"$exists": True}, "$expr": lease.free}
        async with self._bulkhead.operation(write=True):
            began_s = time.monotonic()
            found = await self._intents.find_one_and_update(
                condition,
                [{"$set": {"worker": lease.grant}}],
                return_document=ReturnDocument.AFTER,
            )
        if found is None or not lease.taken(began_s, found):
            return None
        return _intent(found, lease)

    async def rolled_back(self, intent: Intent) -> None:
        """Say that nothing of it is there any more.

        An insert that was under way may still arrive, so the rollback looks again, ever more
        seldom, for as long as a client can repeat the request.

        Raises:
            IntentUnderWay: somebody else has taken it over.
        """
        over = {"$gt": [_AGE_MS, _REPEATABLE_MS]}
        again = {"$add": ["$$NOW", {"$max": [_AGE_MS, int(GRACE_S * 1000)]}]}
        looked = {
            "look_at": {"$cond": [over, "$$REMOVE", again]},
            "expires_at": {"$cond": [over, "$$NOW", "$$REMOVE"]},
        }
        await self._leave(intent, [{"$set": looked}, {"$unset": "worker"}])

    async def _note(self, key: Document, noted: Document, lease: Lease) -> Document:
        """Note an intent or find it there, take its lease if it is free, and return it."""
        mine = {"$and": [{"$eq": ["$body", noted["body"]]}, {"$not": "$done"}, lease.free]}
        grace = {"$add": ["$$NOW", int(GRACE_S * 1000)]}
        dates: Document = {"expires_at": {"$add": ["$$NOW", _REPEATABLE_MS]}}
        if len(noted["ids"]) > 1:
            dates = {"look_at": grace, "expires_at": "$$REMOVE"}
        taken = {"worker": lease.grant, **dates}
        found: Any = await self._intents.find_one_and_update(
            {"_id": key},
            [
                {
                    "$set": {
                        name: {"$ifNull": [f"${name}", {"$literal": value}]}
                        for name, value in noted.items()
                    }
                },
                {
                    "$set": {
                        name: {"$cond": [mine, value, f"${name}"]} for name, value in taken.items()
                    }
                },
            ],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        document: Document = found
        return document

    async def _leave(self, intent: Intent, update: list[Document]) -> None:
        condition = {"_id": intent.key, **intent.lease.held}
        async with self._bulkhead.operation(write=True):
            result = await self._intents.update_one(condition, update)
        if not result.matched_count:
            raise IntentUnderWay(str(intent.key))


def _intent(document: Document, lease: Lease) -> Intent:
    return Intent(
        document["_id"],
        document["ids"],
        document["created_at"],
        document["defaults"],
        document.get("done", False),
        lease,
    )
