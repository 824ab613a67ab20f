"""Dators: the data access objects, each of one MongoDB collection.

`codec` says what a document looks like, `reader` reads, `reviser` changes, and `insertion` creates.
Each method is one database operation; only a change on which derived members depend looks first,
as does one of a document of an earlier form or an odd one. All find their documents by `_id`, whose
index MongoDB always keeps.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.errors import UnreadableResource
from microservice_chassis.schema.member import Rule
from microservice_chassis.schema.patch import Patch
from microservice_chassis.schema.query import Query
from microservice_chassis.schema.schema import Resource, Schema
from microservice_chassis.storage.bulkhead import Bulkhead
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.codec import DocumentCodec, Stored, encode_json, read_members
from microservice_chassis.storage.deployment import Deployment
from microservice_chassis.storage.finder import Finder
from microservice_chassis.storage.identifiers import Identifiers, parse_id
from microservice_chassis.storage.indexes import BY_ID
from microservice_chassis.storage.insertion import Insertion, Submission, new_document
from microservice_chassis.storage.intents import Intents
from microservice_chassis.storage.raw_bson import RAW_OPTIONS
from microservice_chassis.storage.reader import Encode, Page, Reader
from microservice_chassis.storage.refusals import Refusal, Refusals
from microservice_chassis.storage.reviser import Reviser
from microservice_chassis.storage.revisions import Revisions
from microservice_chassis.storage.selection import Order, Selection
from microservice_chassis.storage.unreadable import UnreadableLog
from microservice_chassis.storage.updates import at_revision, now
from microservice_chassis.storage.version_stamps import VersionStamps
from microservice_chassis.storage.writer import Writer

M = TypeVar("M", bound=Resource)


class Dator(Generic[M]):
    """The resources of one collection.

    Every method raises DatabaseUnavailable where MongoDB cannot be reached, and DatabaseTooNew
    where a newer version has written to it. Those that take an `identifier` raise ResourceNotFound
    where nothing has it. Where `expected` revisions are given, a write happens only if the resource
    is at one of them, which MongoDB decides in the same operation; so it does whether the resource
    is in a state in which it can be written.
    """

    # The name of the collection in paths and of its version stamp; MongoDB has it capitalized.
    name: ClassVar[str]
    model: type[M]
    query: ClassVar[type[Query]] = Query
    # Beside that of `_id`; built at start, behind the running service.
    indexes: ClassVar[Sequence[IndexModel]] = ()

    # What a document must be for a change to need no look at what it was: a query.
    plain: ClassVar[Document] = {}

    # The states in which a document is neither replaced nor patched, and not deleted.
    unchangeable: ClassVar[Sequence[Refusal]] = ()
    undeletable: ClassVar[Sequence[Refusal]] = ()

    def __init__(
        self,
        database: AsyncDatabase[Document],
        deployment: Deployment,
        stamps: VersionStamps,
        identifiers: Identifiers,
        defaults: Mapping[str, Any] | None = None,
        rules: Mapping[str, Rule] | None = None,
    ) -> None:
        """`defaults` and `rules` are those of the settings, in the place of the model's."""
        self.schema: Schema[M] = Schema(self.model, defaults, rules)
        self.collection: AsyncCollection[Document] = database[deployment.name]
        self.deployment = deployment
        self._raw: AsyncCollection[RawBSONDocument] = self.collection.with_options(
            codec_options=RAW_OPTIONS
        )
        self._identifiers = identifiers
        self.bulkhead = Bulkhead()
        self.writer = Writer(self.collection, self.name, stamps, self.bulkhead)
        self.intents = Intents(database["Intents"], deployment.name, self.bulkhead)
        self._insertion: Insertion[M] = Insertion(
            self.intents, self.writer, identifiers, defaults or {}
        )
        self._reader: Reader[M] = Reader(
            self._raw,
            Finder(self._raw, self.bulkhead, members=read_members(self.schema)),
            self.bulkhead,
            deployment,
            self.codec,
            self._selection_at,
            UnreadableLog(self.name),
        )
        unchangeable = Refusals(self._raw, self.bulkhead, self.unchangeable)
        self._reviser: Reviser[M] = Reviser(
            self.writer, self.codec, self._reader.find, self.plain, unchangeable
        )
        self._undeletable = Refusals(self._raw, self.bulkhead, self.undeletable)
        self._codec: DocumentCodec[M] | None = None

    async def codec(self) -> DocumentCodec[M]:
        """Return what reads and writes the documents; the first call asks the database."""
        if self._codec is None:
            async with self.bulkhead.operation():
                record = await self.deployment.record()
            self._codec = DocumentCodec(self.schema, record.defaults)
        return self._codec

    async def deployment_id(self) -> str:
        """Return what tells the resources of this collection from those of any other."""
        await self.codec()
        return await self.deployment.id()

    async def check(self) -> None:
        """Return when MongoDB has done what reads and writes of the resources need.

        It looks for nothing and would change it, which takes a primary, and the rights to find
        and to update.
        """
        await self.codec()
        async with self.bulkhead.operation(write=True):
            await self._raw.find_one_and_update({"_id": {"$in": []}}, {"$inc": {"revision": 0}})

    async def insert(self, resource: M) -> Stored[M]:
        """Create a resource, each time that it is called."""
        codec = await self.codec()
        async with self.writer.inserting() as insert:
            identifier, created_at = self._identifiers.new(), now()
            resource = msgspec.structs.replace(
                resource, id=str(identifier), created_at=created_at, updated_at=created_at
            ).with_derived()
            await insert(new_document(identifier, resource, codec))
        stored = Stored(resource, 1)
        await self.after_write([stored])
        return stored

    async def create(self, submission: Submission[M]) -> list[Stored[M]]:
        """Create the resources of a submission, once, however often it comes; all or none.

        Raises:
            IntentUnderWay: somebody is at it already.
            OtherIntent: its key is that of another submission.
        """
        created = await self._insertion.create(submission, await self.codec())
        await self.after_write(created)
        return created

    async def find(self, identifier: str) -> Stored[M]:
        """Return one resource.

        Raises:
            UnreadableResource
        """
        return await self._reader.find(identifier)

    @property
    def timezone(self) -> str:
        """The zone of `today` in a query."""
        return "UTC"

    def selection(self, query: Any) -> Selection:  # noqa: ARG002 - for those that have filters
        """Return the selection that a query of this collection describes; times in it are known.

        This one knows no filter, and no order but that of creation.
        """
        return Selection(Order("_id"), {"_id": BY_ID})

    def _selection_at(self, query: Query, moment: datetime | None) -> Selection:
        """Return the selection that a query describes when it is asked at a moment."""
        return self.selection(query if moment is None else query.at(moment, self.timezone))

    async def page(self, query: Query, encode: Encode[M] | None = None) -> Page:
        """Return the page that a query describes; resources that cannot be read are left out.

        It may have fewer than `limit`, or none, and still be followed by another.
        The representations are JSON, which is remembered; what `encode` makes is not.

        Raises:
            InvalidCursor
            IndexNotReady
        """
        return await self._reader.page(query, encode)

    def walk(
        self, query: Query, encode: Encode[M] = encode_json
    ) -> AsyncGenerator[list[bytes], None]:
        """Yield what `encode` makes of all that a query selects, page by page.

        It is not remembered: it would drive out what is read again and again.

        Raises:
            IndexNotReady
        """
        return self._reader.walk(query, encode)

    async def replace(
        self, identifier: str, resource: M, expected: Revisions | None = None
    ) -> Stored[M]:
        """Give a resource new values for all its members; one that cannot be read is repaired.

        Raises:
            StateConflict
            RevisionConflict
            ContendedResource
        """
        stored = await self._reviser.replace(identifier, resource, expected)
        await self.after_write([stored])
        return stored

    async def patch(
        self, identifier: str, patch: Patch, expected: Revisions | None = None
    ) -> Stored[M]:
        """Give a resource new values for some of its members.

        Raises:
            StateConflict
            RevisionConflict
            InvalidResource: the patch gives a part of an object that the resource does not have.
            UnchangeableResource: what the database holds cannot be read.
            ContendedResource
        """
        stored = await self._reviser.patch(identifier, patch, expected)
        await self.after_write([stored])
        return stored

    async def after_write(self, written: Sequence[Stored[M]]) -> None:
        """Do what follows from resources that have just been created, replaced or patched.

        Nothing does, unless a kind of resources says so. It must not raise: they have been written.
        """

    async def delete(
        self, identifier: str, expected: Revisions | None = None
    ) -> Stored[M] | Stored[Resource]:
        """Remove a resource, and return what it was; of one that cannot be read, its id.

        Raises:
            StateConflict
            RevisionConflict
        """
        key = parse_id(identifier)
        codec = await self.codec()
        condition = at_revision(expected) | self._undeletable.in_none
        document = await self.writer.delete(key, condition)
        if document is None:
            raise await self._undeletable.reason(key, expected)
        try:
            return codec.read(document.raw)
        except UnreadableResource:
            return Stored(Resource(id=str(key)), 0)
