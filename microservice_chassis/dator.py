"""Dators: the data access objects, each of one MongoDB collection.

A document is a resource's writable members under their own names, and

    _id         ObjectId    made by `identifiers.new_id`: its order is the order of creation
    revision    int         1 when created, one more with each change
    created_at  date        UTC
    updated_at  date        UTC

Documents of the original EventPost have only the members;
they are read as revision 0, created and changed when their ObjectId was made.

Each method is one database operation, and finds its documents by `_id`,
whose index MongoDB always keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from bson import ObjectId
from pymongo import ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection

from microservice_chassis.database import Document, Turns
from microservice_chassis.errors import InvalidResource, ResourceNotFound
from microservice_chassis.identifiers import new_id, parse_id
from microservice_chassis.schema import Patch, Resource, Schema
from microservice_chassis.store import Stamps

M = TypeVar("M", bound=Resource)


class Stored(NamedTuple, Generic[M]):
    """A resource as the collection holds it, and the number of its revision."""

    resource: M
    revision: int


class Page(NamedTuple, Generic[M]):
    """Some resources in a row, and where the next page starts: behind `last`, or nowhere."""

    resources: list[M]
    last: ObjectId | None


class Dator(Generic[M]):
    """The resources of one collection.

    Every method raises DatabaseUnavailable where MongoDB cannot be reached;
    those that take an `identifier` raise ResourceNotFound where nothing has it.
    """

    def __init__(
        self,
        name: str,
        collection: AsyncCollection[Document],
        schema: Schema[M],
        stamps: Stamps,
    ) -> None:
        """`name` is the collection's path, under which every write changes its `stamps`."""
        self._name = name
        self._collection = collection
        self._schema = schema
        self._stamps = stamps
        self._turns = Turns()

    async def insert(self, resource: M) -> Stored[M]:
        """Create a resource."""
        now = _now()
        document = {
            "_id": new_id(),
            **self._members(resource),
            "revision": 1,
            "created_at": now,
            "updated_at": now,
        }
        async with self._turns.take(), self._changing():
            await self._collection.insert_one(document)
        return self._stored(document)

    async def find(self, identifier: str) -> Stored[M]:
        """Return one resource."""
        key = {"_id": parse_id(identifier)}
        async with self._turns.take():
            document = await self._collection.find_one(key)
        return self._found(document, identifier)

    async def page(self, limit: int, after: ObjectId | None = None) -> Page[M]:
        """Return up to `limit` resources in the order of their creation, behind `after`."""
        behind = {"_id": {"$gt": after}} if after else {}
        # NOTE: one more than asked for tells whether another page follows.
        cursor = self._collection.find(behind, sort=[("_id", 1)], limit=limit + 1)
        async with self._turns.take():
            documents = await cursor.to_list()
        page = documents[:limit]
        last = page[-1]["_id"] if len(documents) > limit else None
        return Page([self._stored(document).resource for document in page], last)

    async def replace(self, identifier: str, resource: M) -> Stored[M]:
        """Give a resource new values for all its members."""
        return await self._update(identifier, {}, self._members(resource))

    async def patch(self, identifier: str, patch: Patch) -> Stored[M]:
        """Give a resource new values for some of its members.

        Raises:
            InvalidResource: the patch gives a part of an object that the resource does not have.
        """
        objects = {name: {"$type": "object"} for name in patch.parts}
        parts = {
            f"{name}.{part}": value
            for name, values in patch.parts.items()
            for part, value in values.items()
        }
        try:
            return await self._update(identifier, objects, {**patch.values, **parts})
        except ResourceNotFound:
            if patch.missing:
                await self.find(identifier)
                raise InvalidResource(patch.missing) from None
            raise

    async def delete(self, identifier: str) -> Stored[M]:
        """Remove a resource, and return what it was."""
        key = {"_id": parse_id(identifier)}
        async with self._turns.take(), self._changing(key["_id"]):
            document = await self._collection.find_one_and_delete(key)
        return self._found(document, identifier)

    async def _update(
        self, identifier: str, condition: Mapping[str, Any], values: Mapping[str, Any]
    ) -> Stored[M]:
        key = {"_id": parse_id(identifier)}
        async with self._turns.take(), self._changing(key["_id"]):
            document = await self._collection.find_one_and_update(
                {**key, **condition},
                {"$set": {**values, "updated_at": _now()}, "$inc": {"revision": 1}},
                return_document=ReturnDocument.AFTER,
            )
        return self._found(document, identifier)

    def _changing(self, *identifiers: ObjectId) -> AbstractAsyncContextManager[None]:
        """Around one write: change the stamps of the collection and of the resources written."""
        names = (f"{self._name}/{identifier}" for identifier in identifiers)
        return self._stamps.change(self._name, *names)

    def _members(self, resource: M) -> Document:
        members: Document = msgspec.to_builtins(resource)
        return {name: members[name] for name in self._schema.writable}

    def _found(self, document: Document | None, identifier: str) -> Stored[M]:
        if document is None:
            raise ResourceNotFound(identifier)
        return self._stored(document)

    def _stored(self, document: Document) -> Stored[M]:
        identifier: ObjectId = document["_id"]
        members = {
            **self._schema.defaults,
            **{name: document[name] for name in self._schema.writable if name in document},
        }
        created_at = document.get("created_at") or identifier.generation_time
        values = {
            "id": str(identifier),
            **self._answered(members),
            "created_at": created_at,
            "updated_at": document.get("updated_at", created_at),
        }
        return Stored(self._schema.model(**values), document.get("revision", 0))

    def _answered(self, members: Document) -> Document:
        """Return the members as they are answered; a collection with derived ones adds them."""
        return members


def _now() -> datetime:
    """The current time, as exact as a BSON date: what is answered now is what is read later."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
