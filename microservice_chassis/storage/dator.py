"""Dators: the data access objects, each of one MongoDB collection.

`codec` says what a document looks like. Each method is one database operation; only a change on
which derived members depend looks first, as does one of a document of an earlier form or an odd
one. All find their documents by `_id`, whose index MongoDB always keeps.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast

import msgspec
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.errors import (
    ContendedResource,
    DatabaseUnavailable,
    DomainError,
    ResourceNotFound,
    RevisionConflict,
    StateConflict,
    UnchangeableResource,
    UnreadableResource,
)
from microservice_chassis.schema.member import Rule
from microservice_chassis.schema.patch import Patch
from microservice_chassis.schema.schema import Resource, Schema
from microservice_chassis.storage.bulkhead import LARGE, Bulkhead
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.codec import DocumentCodec, Stored
from microservice_chassis.storage.cursor import cursor_behind, parse_cursor
from microservice_chassis.storage.deployment import Deployment
from microservice_chassis.storage.identifiers import Identifiers, parse_id
from microservice_chassis.storage.raw_bson import RAW_OPTIONS, decode, split
from microservice_chassis.storage.refusals import Refusal, in_none_of
from microservice_chassis.storage.representations import Representations
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

# The first of all ObjectIds. A page begins here, and so behind documents whose `_id` is of a type
# that MongoDB sorts before; it compares values of one type only.
_FIRST_ID = ObjectId(bytes(12))

# How often a change of a part is tried while others change what it depends on.
_ATTEMPTS = 100

# So many documents are a large answer.
_MANY = 200

# For how long a page may keep the event loop at once: operations that wait for it, too, have a
# time limit.
_SLICE_S = 0.0005

# Of how many unreadable documents a worker remembers that it has warned.
_WARNINGS = 1000

_logger = logging.getLogger(__name__)


class Page(NamedTuple):
    """Representations of resources in a row, and the cursor of the page behind, if there is one."""

    representations: list[bytes]
    next: str | None


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
        self._bulkhead = Bulkhead()
        self._writer = Writer(self.collection, self.name, stamps, self._bulkhead)
        self._codec: DocumentCodec[M] | None = None
        self._representations: Representations
        self._long_page = asyncio.Lock()
        self._warned: set[ObjectId] = set()

    async def codec(self) -> DocumentCodec[M]:
        """Return what reads and writes the documents; the first call asks the database."""
        if self._codec is None:
            async with self._bulkhead.operation():
                record = await self.deployment.record()
            self._codec = DocumentCodec(self.schema, record.defaults)
            self._representations = Representations(self._codec.json)
        return self._codec

    async def check(self) -> None:
        """Return when MongoDB has done what reads and writes of the resources need.

        It looks for nothing and would change it, which takes a primary, and the rights to find
        and to update.
        """
        await self.codec()
        async with self._bulkhead.operation(write=True):
            await self._raw.find_one_and_update({"_id": {"$in": []}}, {"$inc": {"revision": 0}})

    async def insert(self, resource: M) -> Stored[M]:
        """Create a resource."""
        codec = await self.codec()
        async with self._writer.inserting() as insert:
            identifier, created_at = self._identifiers.new(), now()
            resource = msgspec.structs.replace(
                resource, id=str(identifier), created_at=created_at, updated_at=created_at
            ).with_derived()
            await insert({"_id": identifier, **codec.document(resource), "revision": 1})
        return Stored(resource, 1)

    async def find(self, identifier: str) -> Stored[M]:
        """Return one resource.

        Raises:
            UnreadableResource
        """
        key = parse_id(identifier)
        codec = await self.codec()
        async with self._bulkhead.operation():
            document = await self._raw.find_one({"_id": key})
        if document is None:
            raise ResourceNotFound(identifier)
        try:
            return codec.read(document.raw)
        except UnreadableResource as error:
            self._warn(key, error)
            raise

    async def page(self, limit: int, cursor: str | None = None) -> Page:
        """Return the page behind a cursor, or the first one, in the order of creation.

        It looks at up to `limit` documents, and leaves out those that cannot be read.

        Raises:
            InvalidCursor
        """
        after = {"$gt": parse_cursor(cursor)} if cursor is not None else {"$gte": _FIRST_ID}
        await self.codec()
        # NOTE: one more than asked for tells whether another page follows.
        found = self._raw.find_raw_batches(
            {"_id": after}, sort=[("_id", 1)], limit=limit + 1, batch_size=limit + 1
        )
        async with self._bulkhead.operation(size=LARGE if limit >= _MANY else 1):
            # NOTE: PyMongo's annotation says documents; these are the bytes of many in a row.
            batches = cast("list[bytes]", await found.to_list())
        documents = [raw for batch in batches for raw in split(batch)]
        page = documents[:limit]
        follows = len(documents) > limit
        return Page(await self._readable(page), cursor_behind(page[-1]) if follows else None)

    async def replace(
        self, identifier: str, resource: M, expected: Collection[int] | None = None
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
        document = await self._writer.update(key, sound_at(expected) | self.plain, update)
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
        self, identifier: str, patch: Patch, expected: Collection[int] | None = None
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
        self, identifier: str, change: Callable[[M], M], expected: Collection[int] | None
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
            document = await self._writer.update(
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

    async def _repair(
        self, key: ObjectId, resource: M, expected: Collection[int] | None
    ) -> Stored[M]:
        """Put a resource in the place of what cannot be read.

        Raises:
            StateConflict
            RevisionConflict
        """
        codec = await self.codec()
        values = {**literally(codec.document(resource)), **codec.begun(resource)}
        update = [{"$set": {**values, "revision": NEXT_REVISION, "updated_at": now()}}]
        condition = at_revision(expected) | in_none_of(self.unchangeable)
        document = await self._writer.update(key, condition, update)
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
        document = await self._writer.update(key, condition, update, ReturnDocument.BEFORE)
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
                await self._writer.replace(key, changed, document)
            raise UnchangeableResource(error.broken_rules) from None
        changes = {**patch.values, "updated_at": update["$set"]["updated_at"]}
        after = msgspec.structs.replace(before.resource, **changes)
        return Stored(after, before.revision + 1)

    async def delete(
        self, identifier: str, expected: Collection[int] | None = None
    ) -> Stored[M] | Stored[Resource]:
        """Remove a resource, and return what it was; of one that cannot be read, its id.

        Raises:
            StateConflict
            RevisionConflict
        """
        key = parse_id(identifier)
        codec = await self.codec()
        condition = at_revision(expected) | in_none_of(self.undeletable)
        document = await self._writer.delete(key, condition)
        if document is None:
            raise await self._refusal(key, self.undeletable, expected)
        try:
            return codec.read(document.raw)
        except UnreadableResource:
            return Stored(Resource(id=str(key)), 0)

    async def _refusal(
        self, key: ObjectId, refusals: Sequence[Refusal], expected: Collection[int] | None
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
            async with self._bulkhead.operation():
                refused = await self._raw.find_one({"_id": key, **refusal.state}, {"_id": 1})
            if refused is not None:
                return StateConflict(refusal.detail)
        return None

    async def _readable(self, documents: list[bytes]) -> list[bytes]:
        """Return the representations of those that can be read, and let others run in between."""
        representations: list[bytes] = []
        rest = self._add(documents, representations)
        if rest:
            async with self._long_page:
                while rest:
                    await asyncio.sleep(0)
                    rest = self._add(rest, representations)
        return representations

    def _add(self, documents: list[bytes], representations: list[bytes]) -> list[bytes]:
        """Add representations of documents, for one slice of time; return which are left."""
        ends_s = time.monotonic() + _SLICE_S
        for number, raw in enumerate(documents, 1):
            try:
                representations.append(self._representations.json(raw))
            except UnreadableResource as error:
                self._warn(decode(raw)["_id"], error)
            if time.monotonic() > ends_s:
                return documents[number:]
        return []

    def _warn(self, key: ObjectId, error: UnreadableResource) -> None:
        """Name a document that cannot be read, once."""
        if key not in self._warned and len(self._warned) < _WARNINGS:
            self._warned.add(key)
            _logger.warning("%s/%s cannot be read: %s", self.name, key, error)
