"""The reviser: gives the resources of one collection new values, all of them or some.

It is one operation of MongoDB's, which decides by the document's revision and state whether it
happens. Only a change on which derived members depend looks first at what it changes, as does one
of a document of an earlier form or an odd one; it happens if the document is what was looked at.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

import msgspec
from bson import ObjectId
from pymongo import ReturnDocument

from microservice_chassis.errors import (
    ContendedResource,
    ResourceNotFound,
    UnchangeableResource,
    UnreadableResource,
)
from microservice_chassis.schema.patch import Patch
from microservice_chassis.schema.schema import Resource
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.codec import DocumentCodec, Stored
from microservice_chassis.storage.identifiers import parse_id
from microservice_chassis.storage.raw_bson import decode
from microservice_chassis.storage.refusals import Refusals
from microservice_chassis.storage.revisions import Revisions
from microservice_chassis.storage.updates import (
    NEXT_REVISION,
    at_revision,
    literally,
    next_revision,
    now,
    sound_at,
)
from microservice_chassis.storage.writer import Writer

M = TypeVar("M", bound=Resource)

# How often a change of a part is tried while others change what it depends on.
_ATTEMPTS = 100


class Reviser(Generic[M]):
    """Revises the resources of one collection.

    Every method raises DatabaseUnavailable, and ResourceNotFound where nothing has the identifier.
    """

    def __init__(
        self,
        writer: Writer,
        codec: Callable[[], Awaitable[DocumentCodec[M]]],
        find: Callable[[str], Awaitable[Stored[M]]],
        plain: Document,
        unchangeable: Refusals,
    ) -> None:
        """`find` returns the resource that has an identifier, as `Reader.find` does.

        `plain` is what a document must be for a change to need no look at what it was: a query.
        """
        self._writer = writer
        self._codec = codec
        self._find = find
        self._at_once = plain | unchangeable.in_none
        self._unchangeable = unchangeable

    async def replace(self, identifier: str, resource: M, expected: Revisions | None) -> Stored[M]:
        """Give a resource new values for all its members; one that cannot be read is repaired.

        Raises:
            StateConflict
            RevisionConflict
            ContendedResource
        """
        key = parse_id(identifier)
        codec = await self._codec()
        resource = resource.with_derived()
        update = next_revision(codec.given(resource))
        document = await self._writer.update(key, sound_at(expected) | self._at_once, update)
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

    async def patch(self, identifier: str, patch: Patch, expected: Revisions | None) -> Stored[M]:
        """Give a resource new values for some of its members.

        Raises:
            StateConflict
            RevisionConflict
            InvalidResource: the patch gives a part of an object that the resource does not have.
            UnchangeableResource: what the database holds cannot be read.
            ContendedResource
        """
        key = parse_id(identifier)
        codec = await self._codec()
        simple = None if patch.parts else codec.simple(patch.values)
        if simple is not None:
            condition = sound_at(expected) | self._at_once | simple
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
        codec = await self._codec()
        for _ in range(_ATTEMPTS):
            before = await self._find(identifier)
            if expected is not None and before.revision not in expected:
                raise await self._unchangeable.reason(key, expected)
            after = change(before.resource).with_derived().revised(before.resource)
            at = {"revision": before.revision or {"$in": [0, None]}}
            values = {**codec.document(after), "revision": before.revision + 1, "updated_at": now()}
            document = await self._writer.update(
                key,
                at | self._unchangeable.in_none,
                {"$set": values, "$unset": dict.fromkeys(codec.absent(after), "")},
            )
            if document is not None:
                return codec.read(document.raw)
            conflict = await self._unchangeable.conflict(key)
            if conflict is not None:
                raise conflict
        raise ContendedResource(identifier)

    async def _repair(self, key: ObjectId, resource: M, expected: Revisions | None) -> Stored[M]:
        """Put a resource in the place of what cannot be read.

        Raises:
            StateConflict
            RevisionConflict
        """
        codec = await self._codec()
        values = {**literally(codec.document(resource)), **codec.begun(resource)}
        update = [{"$set": {**values, "revision": NEXT_REVISION, "updated_at": now()}}]
        condition = at_revision(expected) | self._unchangeable.in_none
        document = await self._writer.update(key, condition, update)
        if document is None:
            raise await self._unchangeable.reason(key, expected)
        return codec.read(document.raw)

    async def _patch_at_once(
        self, key: ObjectId, patch: Patch, condition: Document
    ) -> Stored[M] | None:
        """Change members on which no other depends, and return None where that cannot be done.

        Raises:
            UnchangeableResource: what the database holds could not be read, and is as it was.
        """
        codec = await self._codec()
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
