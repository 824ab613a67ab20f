"""From JSON members to a model, and what a model says about its members.

A model is a frozen `msgspec.Struct` whose annotations are the one definition of its rules:

    title: Annotated[str, Meta(min_length=1, max_length=60), Rule("1 to 60 characters", text)]

The limits of `Meta` and the canonical form of `Rule` are applied by `Schema`,
which reports every broken rule of a document at once;
msgspec by itself stops at the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import (
    Annotated,
    Any,
    Generic,
    NamedTuple,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from microservice_chassis.errors import BrokenRule, InvalidResource

M = TypeVar("M", bound=msgspec.Struct)

# How much of a refused value its problem repeats.
_SHOWN_CHARACTERS = 40


class Rule(NamedTuple):
    """What a member must be: `must_be` in words, for the client who got it wrong.

    `canonical` returns the form in which a valid string is kept,
    and raises ValueError for an invalid one.
    """

    must_be: str
    canonical: Callable[[str], str] | None = None


class ReadOnly:
    """Marks a member that the service gives: accepted from a client, and ignored."""


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """The base of the models that have a collection."""

    id: Annotated[str, ReadOnly] = ""


class Member:
    """One member of a model, read from its annotation."""

    def __init__(self, field: msgspec.structs.FieldInfo, annotation: Any) -> None:
        self.name = field.encode_name
        self.default = field.default
        self.type = annotation
        marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
        self.read_only = ReadOnly in marks
        self.rule = next((mark for mark in marks if isinstance(mark, Rule)), Rule("valid"))
        self.nested = next(
            (Schema(part) for part in _union(annotation) if _is_struct(part)),
            None,
        )

    def parse(self, value: Any, *, strict: bool = True) -> Any:
        """Return the value in its canonical form; raise ValueError if it breaks the rule.

        With `strict` off a string may stand for a number or a boolean, as in the environment.
        """
        parsed = msgspec.convert(value, self.type, strict=strict)
        if self.rule.canonical is not None and isinstance(parsed, str):
            return self.rule.canonical(parsed)
        return parsed


class Patch(NamedTuple):
    """A JSON Merge Patch (RFC 7396) whose parts all hold.

    `values` maps members to their new values.
    `parts` maps members that are objects to the parts that change in them;
    `missing` are the rules that break where such a member is no object yet.
    """

    values: Mapping[str, Any]
    parts: Mapping[str, Mapping[str, Any]]
    missing: tuple[BrokenRule, ...]


class Schema(Generic[M]):
    """The members of one model, and the way in for documents from outside."""

    def __init__(self, model: type[M], defaults: Mapping[str, Any] | None = None) -> None:
        """`defaults` replaces the model's own, where a setting decides."""
        hints = get_type_hints(model, include_extras=True)
        self.model = model
        members = [Member(field, hints[field.name]) for field in msgspec.structs.fields(model)]
        self.read_only = frozenset(member.name for member in members if member.read_only)
        self.writable = {member.name: member for member in members if not member.read_only}
        self.defaults = {
            name: member.default
            for name, member in self.writable.items()
            if member.default is not msgspec.NODEFAULT
        } | dict(defaults or {})

    def parse(self, document: Mapping[str, Any]) -> M:
        """Return the model that a whole document from a client describes.

        Raises:
            InvalidResource: with every rule that it breaks.
        """
        broken: list[BrokenRule] = []
        values = self._values(document, "", broken)
        broken.extend(self._missing(document, ""))
        if broken:
            raise InvalidResource(broken)
        return msgspec.convert({**self.defaults, **values}, self.model)

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
            member = self.writable.get(name)
            if value is None and name in self.defaults:
                values[name] = self.defaults[name]
            elif member is not None and member.nested and isinstance(value, dict):
                pointer = _pointer("", name)
                given = member.nested._values(value, pointer, broken)
                absent = member.nested._missing(value, pointer)
                if absent:
                    parts[name] = given
                    missing.extend(absent)
                else:
                    values[name] = given
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
            if name in self.read_only:
                continue
            pointer = _pointer(prefix, name)
            member = self.writable.get(name)
            if member is None:
                known = ", ".join(self.writable)
                broken.append(BrokenRule(pointer, f"is not a member; the members are {known}"))
            elif member.nested and isinstance(value, dict):
                values[name] = member.nested._values(value, pointer, broken)
                broken.extend(member.nested._missing(value, pointer))
            else:
                try:
                    values[name] = member.parse(value)
                except ValueError:
                    detail = f"must be {member.rule.must_be}; it is {_shown(value)}"
                    broken.append(BrokenRule(pointer, detail))
        return values

    def _missing(self, document: Mapping[str, Any], prefix: str) -> list[BrokenRule]:
        return [
            BrokenRule(_pointer(prefix, name), f"is required: {member.rule.must_be}")
            for name, member in self.writable.items()
            if name not in document and name not in self.defaults
        ]


def _pointer(prefix: str, name: str) -> str:
    """Append a member name to a JSON Pointer (RFC 6901, section 3)."""
    return f"{prefix}/{name.replace('~', '~0').replace('/', '~1')}"


def _shown(value: Any) -> str:
    """A refused value as the client wrote it, shortened."""
    shown = json.dumps(value, ensure_ascii=False)
    if len(shown) <= _SHOWN_CHARACTERS:
        return shown
    length = f" ({len(value)} characters)" if isinstance(value, str) else ""
    return f"{shown[:_SHOWN_CHARACTERS]}…{length}"


def _union(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows, without the marks."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    yield from get_args(annotation) or (annotation,)


def _is_struct(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, msgspec.Struct)
