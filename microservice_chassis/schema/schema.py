"""The schema of a model, and the way in for documents from outside.

It applies the limits of `Meta` and the canonical forms of `Rule` that the model's annotations
declare, and reports every broken rule of a document at once; msgspec by itself stops at the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

import msgspec

from microservice_chassis.errors import BrokenRule, InvalidResource
from microservice_chassis.schema.malformed import Malformed
from microservice_chassis.schema.member import Recorded, Rule, members
from microservice_chassis.schema.patch import Patch
from microservice_chassis.schema.scalars import in_milliseconds
from microservice_chassis.schema.shown import shortened, shown

M = TypeVar("M", bound=msgspec.Struct)

# As the service writes an id; in a path capitals are fine, too.
ID = {"pattern": "^[0-9a-f]{24}$"}


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """The base of the models that have a collection."""

    # The members on which `indexed` depends.
    indexed_from: ClassVar[frozenset[str]] = frozenset()

    id: Annotated[str, Rule("24 hex digits", keywords=ID), Recorded] = ""

    def indexed(self) -> Mapping[str, Any]:
        """Return what a document has beside the members, to be found by.

        What is not returned stays in a document as it is.
        """
        return {}

    def revised(self, before: Self) -> Self:  # noqa: ARG002
        """Return this resource, which a client has made of another, with what follows for it."""
        return self

    # The members from which `searched` follows.
    searched_from: ClassVar[frozenset[str]] = frozenset()

    # A document that a client could send, for the API document.
    example: ClassVar[Mapping[str, Any]] = {}

    def searched(self) -> Mapping[str, Any]:
        """Return what is kept beside the members to find the resource by; no client sees it.

        The derived members are there.
        """
        return {}

    def derived(self) -> Mapping[str, Any]:
        """Return the values of the derived members.

        Raises:
            ValueError: they do not follow, because a source is not valid; that happens only
                to documents that were not written by this version.
        """
        return {}

    def with_derived(self) -> Self:
        """Return this resource with its derived members, times as exact as BSON dates.

        Raises:
            ValueError: as `derived`.
        """
        derived = {
            name: in_milliseconds(value) if isinstance(value, datetime) else value
            for name, value in self.derived().items()
        }
        return msgspec.structs.replace(self, **derived) if derived else self


class Schema(Generic[M]):
    """The members of one model."""

    def __init__(
        self,
        model: type[M],
        defaults: Mapping[str, Any] | None = None,
        rules: Mapping[str, Rule] | None = None,
    ) -> None:
        """`defaults` and `rules` replace those of the model's members where a setting decides."""
        self.model = model
        self.members = {member.name: member for member in members(model, rules)}
        self.writable = {name: member for name, member in self.members.items() if member.given}
        self.defaults = {
            name: member.default
            for name, member in self.writable.items()
            if member.default is not msgspec.NODEFAULT
        } | dict(defaults or {})
        self.nested = {
            name: Schema(member.struct)
            for name, member in self.writable.items()
            if member.struct is not None
        }
        self._given = msgspec.defstruct(
            f"Given{model.__name__}",
            [
                (name, member.given_type, *([self.defaults[name]] if name in self.defaults else []))
                for name, member in self.writable.items()
            ],
            forbid_unknown_fields=True,
            kw_only=True,
        )
        self._canonical = [
            (name, member.rule.canonical)
            for name, member in self.writable.items()
            if member.rule.canonical is not None
        ]

    def parse(self, document: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> M:
        """Return the model that a whole document from a client describes.

        `defaults` count in the place of today's, for members that it leaves out.

        Raises:
            InvalidResource: with every rule that it breaks.
        """
        try:
            values = self._at_once(document)
        except ValueError:
            broken: list[BrokenRule] = []
            values = self._values(document, "", broken)
            broken.extend(self._missing(document, ""))
            if broken:
                raise InvalidResource(broken) from None
        return self.model(**{**self.defaults, **(defaults or {}), **values})

    def _at_once(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the canonical values of the members given, in a third of the time.

        Raises:
            ValueError: a rule is broken, or a member is no writable one; it is not said which.
        """
        given = msgspec.convert(document, self._given)
        values = {name: getattr(given, name) for name in document}
        for name, canonical in self._canonical:
            if values.get(name) is not None:
                values[name] = canonical(values[name])
        for name, nested in self.nested.items():
            if name in values:
                value = values[name]
                values[name] = (
                    self.members[name].parse(None)
                    if value is None
                    else nested.model(**nested._at_once(value))
                )
        return values

    def parse_patch(self, document: Mapping[str, Any]) -> Patch:
        """Return what a JSON Merge Patch from a client changes; null resets to the default.

        Raises:
            InvalidResource: with every rule that it breaks.
        """
        broken: list[BrokenRule] = []
        missing: list[BrokenRule] = []
        values: dict[str, Any] = {}
        parts: dict[str, dict[str, Any]] = {}
        for name, value in document.items():
            nested = self.nested.get(name)
            if value is None and name in self.defaults:
                values[name] = self.defaults[name]
            elif nested is not None and isinstance(value, dict):
                pointer = _pointer("", name)
                given = nested._values(value, pointer, broken)
                absent = nested._missing(value, pointer)
                if absent:
                    parts[name] = given
                    missing.extend(absent)
                elif given.keys() == nested.writable.keys():
                    values[name] = nested.model(**given)
            else:
                values |= self._values({name: value}, "", broken)
        if broken:
            raise InvalidResource(broken)
        return Patch(values, parts, tuple(missing))

    def _values(
        self, document: Mapping[str, Any], prefix: str, broken: list[BrokenRule]
    ) -> dict[str, Any]:
        """Return the canonical values of the members given, and add what is wrong to `broken`."""
        values: dict[str, Any] = {}
        for name, value in document.items():
            pointer = _pointer(prefix, name)
            member = self.members.get(name)
            if member is None:
                known = ", ".join(self.writable)
                broken.append(BrokenRule(pointer, f"is not a member; the members are {known}"))
            elif not member.given:
                continue
            elif name in self.nested and isinstance(value, dict):
                nested = self.nested[name]
                wrong: list[BrokenRule] = []
                given = nested._values(value, pointer, wrong)
                wrong.extend(nested._missing(value, pointer))
                if not wrong:
                    values[name] = nested.model(**given)
                broken.extend(wrong)
            else:
                try:
                    values[name] = member.parse(value)
                except ValueError as error:
                    broken.append(BrokenRule(pointer, _refusal(member.rule, value, error)))
        return values

    def _missing(self, document: Mapping[str, Any], prefix: str) -> list[BrokenRule]:
        return [
            BrokenRule(_pointer(prefix, name), f"is required: {member.rule.must_be}")
            for name, member in self.writable.items()
            if name not in document and name not in self.defaults
        ]


def _pointer(prefix: str, name: str) -> str:
    """Append a member name, shortened, to a JSON Pointer (RFC 6901, section 3)."""
    return f"{prefix}/{shortened(name).replace('~', '~0').replace('/', '~1')}"


def _refusal(rule: Rule, value: Any, error: ValueError) -> str:
    """What would be right, what it is instead, and what is wrong with that where a rule tells."""
    why = f": {error}" if isinstance(error, Malformed) else ""
    return f"must be {rule.must_be}; it is {shown(value)}{why}"
