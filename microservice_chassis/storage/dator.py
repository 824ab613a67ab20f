"""Dators: the data access objects, each of one MongoDB collection.

`codec` says what a document looks like. Each method is one database operation; only a change on
which derived members depend looks first, as does one of a document of an earlier form or an odd
one. All find their documents by `_id`, whose index MongoDB always keeps.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.errors import (
    ContendedResource,
    DatabaseUnavailable,
    DomainError,
    IndexNotReady,
    ResourceNotFound,
    RevisionConflict,
    StateConflict,
    UnchangeableResource,
    UnreadableResource,
)
from microservice_chassis.schema.member import Rule
from microservice_chassis.schema.patch import Patch
from microservice_chassis.schema.query import Query
from microservice_chassis.schema.schema import Resource, Schema
from microservice_chassis.storage.bulkhead import Bulkhead
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.codec import (
    DocumentCodec,
    Stored,
    encode_json,
    read_members,
)
from microservice_chassis.storage.cursor import Cursor
from microservice_chassis.storage.deployment import Deployment
from microservice_chassis.storage.finder import Finder, Total
from microservice_chassis.storage.identifiers import Identifiers, parse_id
from microservice_chassis.storage.indexes import BY_ID
from microservice_chassis.storage.insertion import Insertion, Submission, new_document
from microservice_chassis.storage.intents import Intents
from microservice_chassis.storage.raw_bson import RAW_OPTIONS, decode
from microservice_chassis.storage.refusals import Refusal, in_none_of
from microservice_chassis.storage.representations import Representations
from microservice_chassis.storage.revisions import Revisions
from microservice_chassis.storage.selection import Order, Selection
from microservice_chassis.storage.time_slices import TimeSlices
from microservice_chassis.storage.updates import (
    NEXT_REVISION,
    at_revision,
    literally,
    next_revision,
    now,
    sound_at,
)
from microservice_chassis.storage.version_stamps import VersionStamps
from microservice_chassis.storage.writer import Writer

M = TypeVar("M", bound=Resource)

# What makes a representation of a resource, and of the document in which it is kept.
Encode = Callable[[Stored[M]], bytes]
Represent = Callable[[bytes], bytes]

# How often a change of a part is tried while others change what it depends on.
_ATTEMPTS = 100

# How many documents a walk takes at once.
_STEP = 500

# Of how many unreadable documents a worker remembers that it has warned.
_WARNINGS = 1000

_logger = logging.getLogger(__name__)


class Page(NamedTuple):
    """Representations of resources in a row, and the cursor of the page behind, if one may follow.

    `total` is how many resources all pages have, if that was asked for.
    """

    representations: list[bytes]
    next: str | None
    total: Total | None = None


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
        self._searchable = False
        self._finder = Finder(self._raw, self.bulkhead, members=read_members(self.schema))
        self.writer = Writer(self.collection, self.name, stamps, self.bulkhead)
        self.intents = Intents(database["Intents"], deployment.name, self.bulkhead)
        self._insertion: Insertion[M] = Insertion(
            self.intents, self.writer, identifiers, defaults or {}
        )
        self._codec: DocumentCodec[M] | None = None
        self._representations: Representations
        self._slices = TimeSlices()
        self._warned: set[ObjectId] = set()

    async def codec(self) -> DocumentCodec[M]:
        """Return what reads and writes the documents; the first call asks the database."""
        if self._codec is None:
            async with self.bulkhead.operation():
                record = await self.deployment.record()
            self._codec = DocumentCodec(self.schema, record.defaults)
            self._representations = Representations(self._codec.json)
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
        return Stored(resource, 1)

    async def create(self, submission: Submission[M]) -> list[Stored[M]]:
        """Create the resources of a submission, once, however often it comes; all or none.

        Raises:
            IntentUnderWay: somebody is at it already.
            OtherIntent: its key is that of another submission.
        """
        return await self._insertion.create(submission, await self.codec())

    async def find(self, identifier: str) -> Stored[M]:
        """Return one resource.

        Raises:
            UnreadableResource
        """
        key = parse_id(identifier)
        codec = await self.codec()
        async with self.bulkhead.operation():
            # NOTE: of one document, to name its members costs more than it saves.
            document = await self._raw.find_one({"_id": key}, {"search": 0})
        if document is None:
            raise ResourceNotFound(identifier)
        try:
            return codec.read(document.raw)
        except UnreadableResource as error:
            self._warn(key, error)
            raise

    @property
    def timezone(self) -> str:
        """The zone of `today` in a query."""
        return "UTC"

    def selection(self, query: Any) -> Selection:  # noqa: ARG002 - for those that have filters
        """Return the selection that a query of this collection describes; times in it are known.

        This one knows no filter, and no order but that of creation.
        """
        return Selection(Order("_id"), {"_id": BY_ID})

    async def page(self, query: Query, encode: Encode[M] | None = None) -> Page:
        """Return the page that a query describes; resources that cannot be read are left out.

        It may have fewer than `limit`, or none, and still be followed by another.
        The representations are JSON, which is remembered; what `encode` makes is not.

        Raises:
            InvalidCursor
            IndexNotReady
        """
        codec = await self.codec()
        digest = query.selection_digest()
        cursor = None if query.cursor is None else Cursor.of(query.cursor, digest)
        began = (cursor and cursor.now) or (now() if query.relative else None)
        if began is not None:
            query = query.at(began, self.timezone)
        selection = self.selection(query)
        await self._check_searchable(selection)
        after, few = (None, None) if cursor is None else (cursor.position, cursor.few)
        found = await self._finder.page(selection, query.limit, after, few)
        follows = found.next and Cursor(digest, began, found.next, found.few).text()
        total = await self._finder.total(selection) if query.count else None
        represent = (
            self._representations.json if encode is None else lambda raw: encode(codec.read(raw))
        )
        return Page(await self._readable(found.documents, represent), follows, total)

    async def walk(
        self, query: Query, encode: Encode[M] = encode_json
    ) -> AsyncGenerator[list[bytes], None]:
        """Yield what `encode` makes of all that a query selects, page by page.

        It is not remembered: it would drive out what is read again and again.

        Raises:
            IndexNotReady
        """
        cursor = None
        while True:
            step = msgspec.structs.replace(query, limit=_STEP, cursor=cursor)
            page = await self.page(step, encode)
            yield page.representations
            cursor = page.next
            if cursor is None:
                return

    async def _check_searchable(self, selection: Selection) -> None:
        """Raise IndexNotReady where documents may lack what a selection needs of them."""
        if self._searchable or (selection.whole and selection.order.key == "_id"):
            return
        async with self.bulkhead.operation():
            self._searchable = await self.deployment.is_searchable()
        if not self._searchable:
            raise IndexNotReady("documents of earlier versions are being migrated")

    async def replace(
        self, identifier: str, resource: M, expected: Revisions | None = None
    ) -> Stored[M]:
        """Give a resource new values for all its members; one that cannot be read is repaired.

        Raises:
            StateConflict
            RevisionConflict
            ContendedResource
        """
        key = parse_id(identifier)
        codec = await self.codec()
        resource = resource.with_derived()
        update = next_revision(codec.given(resource))
        document = await self.writer.update(key, sound_at(expected) | self.plain, update)
        if document is not None:
            with suppress(UnreadableResource):
                return codec.read(document.raw)
            return await self._repair(key, resource, None)  # it is at its next revision already
        try:
            return await self._revise(
                identifier, lambda before: codec.with_recorded(resource, before), expected
            )
        except UnreadableResource:
            return await self._repair(key, resource, expected)

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
        key = parse_id(identifier)
        codec = await self.codec()
        simple = None if patch.parts else codec.simple(patch.values)
        if simple is not None:
            condition = sound_at(expected) | self.plain | simple
            patched = await self._patch_at_once(key, patch, condition)
            if patched is not None:
                return patched
        try:
            return await self._revise(
                identifier,
                lambda before: msgspec.structs.replace(before, **patch.changes(before)),
                expected,
            )
        except UnreadableResource as error:
            raise UnchangeableResource(error.broken_rules) from None

    async def _revise(
        self, identifier: str, change: Callable[[M], M], expected: Revisions | None
    ) -> Stored[M]:
        """Change a resource by what it is, and try that again while others change it meanwhile.

        Raises:
            UnreadableResource
            StateConflict
            RevisionConflict
            InvalidResource: as `change` does.
            ContendedResource
        """
        key = parse_id(identifier)
        codec = await self.codec()
        for _ in range(_ATTEMPTS):
            before = await self.find(identifier)
            if expected is not None and before.revision not in expected:
                raise await self._refusal(key, self.unchangeable, expected)
            after = change(before.resource).with_derived().revised(before.resource)
            at = {"revision": before.revision or {"$in": [0, None]}}
            values = {**codec.document(after), "revision": before.revision + 1, "updated_at": now()}
            document = await self.writer.update(
                key,
                at | in_none_of(self.unchangeable),
                {"$set": values, "$unset": dict.fromkeys(codec.absent(after), "")},
            )
            if document is not None:
                return codec.read(document.raw)
            conflict = await self._state_conflict(key, self.unchangeable)
            if conflict is not None:
                raise conflict
        raise ContendedResource(identifier)

    async def _repair(self, key: ObjectId, resource: M, expected: Revisions | None) -> Stored[M]:
        """Put a resource in the place of what cannot be read.

        Raises:
            StateConflict
            RevisionConflict
        """
        codec = await self.codec()
        values = {**literally(codec.document(resource)), **codec.begun(resource)}
        update = [{"$set": {**values, "revision": NEXT_REVISION, "updated_at": now()}}]
        condition = at_revision(expected) | in_none_of(self.unchangeable)
        document = await self.writer.update(key, condition, update)
        if document is None:
            raise await self._refusal(key, self.unchangeable, expected)
        return codec.read(document.raw)

    async def _patch_at_once(
        self, key: ObjectId, patch: Patch, condition: Document
    ) -> Stored[M] | None:
        """Change members on which no other depends, and return None where that cannot be done.

        Raises:
            UnchangeableResource: what the database holds could not be read, and is as it was.
        """
        codec = await self.codec()
        update = next_revision(codec.kept(patch.values))
        document = await self.writer.update(key, condition, update, ReturnDocument.BEFORE)
        if document is None:
            return None
        try:
            before = codec.read(document.raw)
        except UnreadableResource as error:
            # NOTE: nobody can have seen it meanwhile: what cannot be read is another member.
            changed = {
                "revision": decode(document.raw)["revision"] + 1,
                "updated_at": update["$set"]["updated_at"],
            }
            with suppress(ResourceNotFound):
                await self.writer.replace(key, changed, document)
            raise UnchangeableResource(error.broken_rules) from None
        changes = {**patch.values, "updated_at": update["$set"]["updated_at"]}
        after = msgspec.structs.replace(before.resource, **changes)
        return Stored(after, before.revision + 1)

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
        condition = at_revision(expected) | in_none_of(self.undeletable)
        document = await self.writer.delete(key, condition)
        if document is None:
            raise await self._refusal(key, self.undeletable, expected)
        try:
            return codec.read(document.raw)
        except UnreadableResource:
            return Stored(Resource(id=str(key)), 0)

    async def _refusal(
        self, key: ObjectId, refusals: Sequence[Refusal], expected: Revisions | None
    ) -> DomainError:
        """Return why a write found its document, and did not happen."""
        conflict = await self._state_conflict(key, refusals)
        if conflict is not None:
            return conflict
        if expected is None:
            return DatabaseUnavailable("it is there, and was not changed")
        return RevisionConflict(str(key))

    async def _state_conflict(
        self, key: ObjectId, refusals: Sequence[Refusal]
    ) -> StateConflict | None:
        """Return why a document must not be written in its state, if that is so."""
        for refusal in refusals:
            async with self.bulkhead.operation():
                refused = await self._raw.find_one({"_id": key, **refusal.state}, {"_id": 1})
            if refused is not None:
                return StateConflict(refusal.detail)
        return None

    async def _readable(self, documents: list[bytes], represent: Represent) -> list[bytes]:
        """Return the representations of those that can be read, and let others run in between."""

        def represent_or_warn(raw: bytes) -> bytes | None:
            try:
                return represent(raw)
            except UnreadableResource as error:
                self._warn(decode(raw)["_id"], error)
                return None

        found = await self._slices.map(represent_or_warn, documents)
        return [each for each in found if each is not None]

    def _warn(self, key: ObjectId, error: UnreadableResource) -> None:
        """Name a document that cannot be read, once."""
        if key not in self._warned and len(self._warned) < _WARNINGS:
            self._warned.add(key)
            _logger.warning("%s/%s cannot be read: %s", self.name, key, error)
