"""Hints: how those who deliver hear of what is due soon, in whichever container it was written.

A hint is an empty document of a capped collection, at whose end every dispatcher waits (MongoDB
manual, "Tailable Cursors"); that works on a standalone as on a replica set. Nobody waits for a hint
to be acknowledged, and one may be lost: a dispatcher looks by itself every LONGEST_SLEEP_S.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from bson import ObjectId
from pymongo import CursorType, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from microservice_chassis.storage.client import Document, unlimited

# How long a dispatcher sleeps at most: a hint tells of what is due before it would look.
LONGEST_SLEEP_S = 30.0

_NAME = "DeliveryHints"
_SIZE_BYTES = 64 * 1024

# How long the server lets a dispatcher wait for the next hint before it says that there is none.
_AWAIT_MS = 20_000
_RETRY_S = 2.0

_NAMESPACE_EXISTS = 48


class Hints:
    """The hints of one database, as one process gives and takes them."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database
        self._hints = database[_NAME]
        self._unacknowledged = self._hints.with_options(write_concern=WriteConcern(w=0))
        self._wanted = False

    async def give(self) -> None:
        """Tell all who deliver, if there is one and MongoDB takes it."""
        with suppress(PyMongoError):
            if await self._are_wanted():
                await self._unacknowledged.insert_one({})

    async def take(self, heard: Callable[[], None]) -> None:
        """Call `heard` at each hint, and when some may have been lost; until it is cancelled."""
        while True:
            with suppress(PyMongoError):
                await self._follow(heard)
            heard()
            await asyncio.sleep(_RETRY_S)

    async def _are_wanted(self) -> bool:
        """Whether anybody has ever delivered; the collection is theirs to make."""
        if not self._wanted:
            self._wanted = bool(await self._database.list_collection_names(filter={"name": _NAME}))
        return self._wanted

    async def _follow(self, heard: Callable[[], None]) -> None:
        """Wait at the end of the hints until the cursor is lost."""
        with unlimited():
            await self._create()
            # NOTE: a cursor at the end of an empty collection is dead at once.
            last: ObjectId = (await self._hints.insert_one({})).inserted_id
            since_then = {"_id": {"$gte": last}}
            cursor = self._hints.find(since_then, cursor_type=CursorType.TAILABLE_AWAIT)
            cursor.max_await_time_ms(_AWAIT_MS)
            async with cursor:
                while cursor.alive:
                    async for _ in cursor:
                        heard()

    async def _create(self) -> None:
        try:
            await self._database.create_collection(
                _NAME, capped=True, size=_SIZE_BYTES, check_exists=False
            )
        except OperationFailure as error:
            if error.code != _NAMESPACE_EXISTS:
                raise
