"""A driver around the real one that stops at a call, so that a test can look meanwhile.

Everything is passed on to the real one; some calls to one collection, those that write unless a
test says otherwise, can be held up on their way to MongoDB or back.
"""

from __future__ import annotations

import asyncio
from typing import Any

from pymongo import AsyncMongoClient

DEADLINE_S = 10.0

WRITES = frozenset(
    {
        "insert_one",
        "insert_many",
        "replace_one",
        "update_one",
        "find_one_and_update",
        "find_one_and_replace",
        "find_one_and_delete",
        "delete_one",
        "delete_many",
        "bulk_write",
    }
)


class Stop:
    """A place where a call stops that comes by, until it may go on."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._open = asyncio.Event()

    async def pass_by(self) -> None:
        self._reached.set()
        await self._open.wait()

    async def until_reached(self) -> None:
        """Wait for a call; one that does not come by is a failure, not a wait for ever."""
        async with asyncio.timeout(DEADLINE_S):
            await self._reached.wait()

    def open(self) -> None:
        self._open.set()


class PausedCollection:
    """A collection whose calls stop, while there is a stop before or behind them."""

    def __init__(self, collection: Any, stops: PausedDriver) -> None:
        self._collection = collection
        self._stops = stops

    def with_options(self, **options: Any) -> PausedCollection:
        return PausedCollection(self._collection.with_options(**options), self._stops)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._collection, name)
        if name not in self._stops.calls or self._collection.name != self._stops.collection:
            return call

        async def paused(*arguments: Any, **options: Any) -> Any:
            if self._stops.before is not None:
                await self._stops.before.pass_by()
            result = await call(*arguments, **options)
            if self._stops.behind is not None:
                await self._stops.behind.pass_by()
            return result

        return paused


class PausedDatabase:
    def __init__(self, database: Any, stops: PausedDriver) -> None:
        self._database = database
        self._stops = stops

    def __getitem__(self, name: str) -> PausedCollection:
        return PausedCollection(self._database[name], self._stops)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


class PausedDriver:
    """A client of MongoDB whose calls to one collection can be held up."""

    def __init__(self, client: AsyncMongoClient[Any], collection: str) -> None:
        self._client = client
        self.collection = collection
        self.calls = WRITES
        self.before: Stop | None = None
        self.behind: Stop | None = None

    def __getitem__(self, name: str) -> PausedDatabase:
        return PausedDatabase(self._client[name], self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
