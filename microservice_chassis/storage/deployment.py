"""The deployment: what is decided once for the data of a collection, and kept beside it.

One document of the collection `Deployment`:

    _id         string      the name of the collection
    id          string      random: tells these data from all others, whatever their name
    defaults    document    of members that documents of the original EventPost do not have
    form        int         the newest form that a document may have; see `migrations`
    migration   document    the lease of who migrates; see `lease`
    migrated    document    when a migration was through last, and how many it had to leave
    searchable  int         the form that all documents had then
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from microservice_chassis.errors import DatabaseTooNew
from microservice_chassis.storage.client import Document, reachable
from microservice_chassis.storage.codec import FORM


class Record(NamedTuple):
    """What was decided."""

    id: str
    defaults: Mapping[str, Any]


class Deployment:
    """The deployment of one collection, decided by whoever asks first."""

    def __init__(
        self, database: AsyncDatabase[Document], name: str, defaults: Mapping[str, Any]
    ) -> None:
        """`defaults` are those of the settings; they count if nothing has been decided yet."""
        self.records = database["Deployment"]
        self.name = name.capitalize()
        self._defaults = dict(defaults)
        self._record: Record | None = None

    async def record(self) -> Record:
        """Return what was decided; it is asked for only once.

        Raises:
            DatabaseUnavailable: it cannot be read.
            DatabaseTooNew: a newer version has written to the database.
        """
        if self._record is None:
            with reachable():
                try:
                    self._record = await self._decide()
                except DuplicateKeyError:  # another process was quicker
                    self._record = await self._decide()
        return self._record

    async def defaults(self) -> Mapping[str, Any]:
        """Return those that were decided, or would be now; nothing is decided by it.

        Raises:
            DatabaseUnavailable
        """
        with reachable():
            decided = await self.records.find_one({"_id": self.name})
        return decided["defaults"] if decided else self._defaults

    async def make_searchable(self) -> None:
        """Take note that every document that can be read is in today's form.

        Raises:
            DatabaseUnavailable
        """
        with reachable():
            await self.records.update_one({"_id": self.name}, {"$max": {"searchable": FORM}})

    async def is_searchable(self) -> bool:
        """Return whether that has been noted, ever.

        Raises:
            DatabaseUnavailable
        """
        with reachable():
            return await self.records.find_one({"_id": self.name, "searchable": FORM}) is not None

    async def id(self) -> str:
        """Return the id; raises what `record` raises."""
        return (await self.record()).id

    async def _decide(self) -> Record:
        decided: Any = await self.records.find_one_and_update(
            {"_id": self.name},
            {
                "$setOnInsert": {"id": secrets.token_hex(8), "defaults": self._defaults},
                "$max": {"form": FORM},
            },
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        if decided["form"] > FORM:
            raise DatabaseTooNew(
                f"the documents of {self.name} have form {decided['form']}, and this version"
                f" knows forms up to {FORM}: use a newer version, or go back to a dump"
            )
        return Record(decided["id"], decided["defaults"])
