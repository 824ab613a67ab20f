"""The codec: from a document as MongoDB holds it to a resource, and back.

A document of today's form has a resource's members under their names, times as BSON dates, and

    _id         ObjectId    made by `identifiers`: its order is the order of creation
    revision    int         1 when created, one more with each change
    form        int         the number of the last migration that it went through
    search      document    what the model's `searched()` returns, in members that indexes have

Documents of earlier forms are read, too: those of the original EventPost have only the given
members, all of them strings; those of 1.0 have `revision` and no derived members.
Other programs write to MongoDB as well, so what cannot be read says so and harms nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from bson import Int64, ObjectId

from microservice_chassis.errors import BrokenRule, UnreadableResource
from microservice_chassis.schema.member import Member
from microservice_chassis.schema.scalars import in_milliseconds
from microservice_chassis.schema.schema import Resource, Schema
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.raw_bson import decode

M = TypeVar("M", bound=Resource)

# Today's form: the number of the newest of the `migrations`.
FORM = 3

# The forms before, as a document has them: the first had none.
EARLIER_FORMS: tuple[int | None, ...] = (None, *range(1, FORM))

# Whatever else is there in its place says nothing.
_FORMS: Mapping[Any, int] = {form: form for form in range(1, FORM + 1)}

# Nobody counts up to this; behind it a revision could not be counted on from.
REVISION_LIMIT = 1 << 62

_BSON_TYPES: Mapping[Any, tuple[str, ...]] = {str: ("string",), int: ("int", "long")}
_FIRST, _LAST = (each.replace(tzinfo=UTC) for each in (datetime.min, datetime.max))

# Queries for the values of a type; an array is of the type of its elements, too.
_READABLE: Mapping[Any, Document] = {
    **{
        kind: {"$type": list(names), "$not": {"$type": "array"}}
        for kind, names in _BSON_TYPES.items()
    },
    datetime: {"$gte": _FIRST, "$lte": _LAST, "$not": {"$type": "array"}},
}

_encoder = msgspec.json.Encoder()


def in_todays_form(resource: M) -> M:
    """Return a resource with its times as exact as BSON dates keep them."""
    cut = {
        name: in_milliseconds(value)
        for name in resource.__struct_fields__
        if isinstance(value := getattr(resource, name), datetime)
    }
    return msgspec.structs.replace(resource, **cut)


class Stored(NamedTuple, Generic[M]):
    """A resource as the collection holds it, its revision, and the form of its document."""

    resource: M
    revision: int
    form: int = FORM


def encode_json(stored: Stored[Any]) -> bytes:
    """Return the representation of a resource in JSON."""
    return _encoder.encode(stored.resource)


def read_members(schema: Schema[Any]) -> Mapping[str, int]:
    """Return the projection of what `DocumentCodec.read` reads, for many documents at once.

    MongoDB copies members that are named (PROJECTION_SIMPLE) in less time than it takes to leave
    one out (PROJECTION_DEFAULT).
    """
    names = [
        name for name, member in schema.members.items() if name != "id" and not member.derived_from
    ]
    return dict.fromkeys(("_id", *names, "revision", "form"), 1)


class DocumentCodec(Generic[M]):
    """Reads and writes the documents of one collection."""

    def __init__(self, schema: Schema[M], defaults: Mapping[str, Any]) -> None:
        """`defaults` are of documents that lack a member which has been added since."""
        self._model = schema.model
        self._kept = [member for name, member in schema.members.items() if name != "id"]
        self._members = [
            (member.name, member.classes, member)
            for member in self._kept
            if not member.derived_from
        ]
        self._names = [(member.name, member.given) for member in self._kept]
        self._structs = frozenset(
            member.name for member in self._kept if member.struct or member.is_array
        )
        # The members from which others are derived, and those from which anything follows.
        self._derived_from = frozenset[str]().union(*(member.derived_from for member in self._kept))
        self.sources = self._derived_from | schema.model.searched_from | schema.model.indexed_from
        self._recorded = {member.name: member.default for member in self._kept if member.recorded}
        self._defaults = {**self._recorded, **schema.defaults, **defaults}

    def read(self, raw: bytes | memoryview) -> Stored[M]:
        """Return the resource of a BSON document.

        Raises:
            UnreadableResource: with everything that is wrong with it.
        """
        return self.read_decoded(decode(raw))

    def read_decoded(self, document: Document) -> Stored[M]:
        """Return the resource of a document that `raw_bson.decode` has returned.

        Raises:
            UnreadableResource: as `read`.
        """
        key = document.get("_id")
        if not isinstance(key, ObjectId):
            raise UnreadableResource([BrokenRule("/id", "must be kept as an ObjectId")])
        broken: list[BrokenRule] = []
        values: Document = {"id": str(key)}
        for name, classes, member in self._members:
            value = document.get(name)
            # NOTE: nearly every member of nearly every document is what its type says.
            if value.__class__ in classes:
                values[name] = value
            elif value is not None:
                _read(member, value, values, broken)
            elif name in self._defaults:
                values[name] = self._defaults[name]
            else:
                broken.append(_rule_of(member))
        if values.get("created_at") is None:
            values["created_at"] = key.generation_time
        if values.get("updated_at") is None:
            values["updated_at"] = values["created_at"]
        revision = document.get("revision")
        if revision is None:
            revision = 0
        elif revision.__class__ not in (int, Int64) or revision >= REVISION_LIMIT:
            broken.append(BrokenRule("", "its revision must be a whole number of up to 62 bits"))
        if broken:
            raise UnreadableResource(broken)
        form = _FORMS.get(document.get("form"), 0)
        return Stored(self._with_derived(self._model(**values), form), int(revision), form)

    def document(self, resource: M) -> Document:
        """Return a resource in today's form, without `_id` and `revision`."""
        document: Document = {"form": FORM}
        for name, given in self._names:
            value = getattr(resource, name)
            if value is not None:
                document[name] = _builtins(value) if name in self._structs else value
            elif given:
                document[name] = None
        if searched := resource.searched():
            document["search"] = searched
        document.update(resource.indexed())
        return document

    def given(self, resource: M) -> Document:
        """Return what a client's resource sets in a document: nothing that is recorded."""
        document = self.document(resource)
        return {name: value for name, value in document.items() if name not in self._recorded}

    def absent(self, resource: M) -> list[str]:
        """Return the recorded members that a resource does not have."""
        return [name for name in self._recorded if getattr(resource, name) is None]

    def with_recorded(self, resource: M, before: M) -> M:
        """Return a resource that a client has given, with what is recorded of another one."""
        recorded = {name: getattr(before, name) for name in self._recorded}
        return msgspec.structs.replace(resource, id=before.id, **recorded)

    def kept(self, values: Mapping[str, Any]) -> Document:
        """Return the values of members as they are kept."""
        return {
            name: _builtins(value) if isinstance(value, msgspec.Struct | tuple) else value
            for name, value in values.items()
        }

    def json(self, raw: bytes) -> bytes:
        """Return the representation of a BSON document.

        Raises:
            UnreadableResource: as `read`.
        """
        return encode_json(self.read(raw))

    def simple(self, names: Iterable[str]) -> Document | None:
        """Return the query for members that can be read, if their BSON type alone tells that.

        None where others are derived from one of them, or it is a document in itself.
        """
        query: Document = {}
        for name, _, member in self._members:
            if name in names:
                (kind,) = member.types
                if name in self.sources or kind not in _READABLE:
                    return None
                query[name] = _READABLE[kind]
        return query

    def begun(self, resource: M) -> Document:
        """Return expressions for what is recorded of one that takes the place of an unreadable one.

        It begins anew, but for the time of its creation, which stays where it can be read.
        """
        created = {"$and": [{"$gte": ["$created_at", _FIRST]}, {"$lte": ["$created_at", _LAST]}]}
        return {
            **dict.fromkeys(self.absent(resource), "$$REMOVE"),
            "created_at": {"$cond": [created, "$created_at", {"$toDate": "$_id"}]},
        }

    def _with_derived(self, resource: M, form: int) -> M:
        try:
            if form:
                return resource.with_derived()
            # NOTE: earlier versions did not keep what is derived, and so answered microseconds.
            return msgspec.structs.replace(resource, **resource.derived())
        except ValueError:
            raise UnreadableResource(list(self._not_canonical(resource))) from None

    def _not_canonical(self, resource: M) -> list[BrokenRule]:
        """Name the sources from which nothing can be derived."""
        broken = []
        for name, _, member in self._members:
            value = getattr(resource, name)
            if name in self._derived_from and value is not None:
                try:
                    member.parse(value)
                except ValueError:
                    broken.append(_rule_of(member))
        return broken


def _read(member: Member, value: Any, values: Document, broken: list[BrokenRule]) -> None:
    """Add a value that is not simply of a member's type to the values, or to what is broken."""
    try:
        values[member.name] = member.read(value)
    except ValueError:
        broken.append(_rule_of(member))


def _rule_of(member: Member) -> BrokenRule:
    return BrokenRule(f"/{member.name}", f"must be {member.rule.must_be}")


def _builtins(value: Any) -> Any:
    """Return a struct, or several, as BSON keeps them."""
    return msgspec.to_builtins(value, builtin_types=(datetime,))
