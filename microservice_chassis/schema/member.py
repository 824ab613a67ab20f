"""Members: what the annotations of a model say of each of its parts.

    title: Annotated[str, Meta(min_length=1, max_length=60), Rule("1 to 60 characters", text)]
    time: Annotated[str, Rule("a time of day", local_time), Earlier(local_time)]
    starts_at: Annotated[datetime | None, Derived("date", "time")] = None
    created_at: Annotated[datetime | None, Recorded] = None

A member is given by the client, recorded by the service, or derived from other members.
Its type says how it is kept: a `datetime` as a BSON date, a struct as a document, a tuple as
an array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

# Keywords of JSON Schema (draft 2020-12), with their values.
Keywords = Mapping[str, Any]

_KEPT_AS_THEY_ARE = (str, int, float, datetime)


class Rule(NamedTuple):
    """What a member must be: `must_be` in words, for the client who got it wrong.

    `canonical` returns the form in which a valid string is kept, and raises ValueError for an
    invalid one; a Malformed where there is more to say than `must_be` does.
    `keywords` say of a string what `canonical` accepts, as far as JSON Schema can; a function
    returns those that are not to be read before they are asked for.
    """

    must_be: str
    canonical: Callable[[str], Any] | None = None
    keywords: Keywords | Callable[[], Keywords] | None = None


class Recorded:
    """Marks a member that the service records: accepted from a client, and ignored."""


class Secret:
    """Marks a member whose value is never shown, as it may hold a password."""


class Derived:
    """Marks a member that follows from others, the `sources`; accepted from a client, and ignored.

    The model's `derived()` returns its value.
    """

    def __init__(self, *sources: str) -> None:
        self.sources = frozenset(sources)


class Earlier(NamedTuple):
    """Marks a member that earlier versions kept in another form: a string that `read` understands.

    `read` raises ValueError for a string that is none.
    """

    read: Callable[[str], Any]


class Member:
    """One member of a model, read from its annotation."""

    def __init__(
        self, field: msgspec.structs.FieldInfo, annotation: Any, rule: Rule | None = None
    ) -> None:
        """`rule` replaces the annotation's."""
        self.name = field.encode_name
        self.attribute = field.name
        self.default = field.default
        marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
        self.recorded = Recorded in marks
        self.secret = Secret in marks
        self.derived_from = next(
            (mark.sources for mark in marks if isinstance(mark, Derived)), frozenset[str]()
        )
        self.limits = next((mark for mark in marks if isinstance(mark, msgspec.Meta)), None)
        self.types = tuple(_union(annotation))
        self.nullable = NoneType in get_args(_bare(annotation))
        self.rule = rule or next(
            (mark for mark in marks if isinstance(mark, Rule)), Rule(_named(self.types))
        )
        self.struct = next((each for each in self.types if _is_struct(each)), None)
        self.is_array = any(get_origin(each) is tuple for each in self.types)
        self._annotation = annotation
        # A value of another type than a string is one that the rule reads from it.
        self._read_from_text = self.rule.canonical is not None and str not in self.types
        self._earlier = next((mark.read for mark in marks if isinstance(mark, Earlier)), None)
        # What JSON has in its place, whose rule is still to be applied.
        self.given_type: Any = annotation
        if datetime in self.types:
            self.given_type = str
        elif self.struct is not None:
            self.given_type = dict[str, Any] | None
        # The classes whose values are read as they are kept.
        self.classes = frozenset(
            kind
            for kind in self.types
            if kind in _KEPT_AS_THEY_ARE and not (kind is str and self._earlier)
        )

    @property
    def given(self) -> bool:
        """Whether a client gives it."""
        return not self.recorded and not self.derived_from

    def parse(self, value: Any, *, strict: bool = True) -> Any:
        """Return a value from outside in its canonical form.

        With `strict` off a string may stand for a number or a boolean, as in the environment.

        Raises:
            ValueError: it breaks the rule; a Malformed says more.
        """
        if self._read_from_text:
            parsed = msgspec.convert(value, str)
        else:
            parsed = msgspec.convert(value, self._annotation, strict=strict)
        if self.rule.canonical is not None and isinstance(parsed, str):
            return self.rule.canonical(parsed)
        return parsed

    def read(self, value: Any) -> Any:
        """Return a value as the database holds it; raise ValueError if it is of another type.

        The limits of a client's values do not count here: what is longer can still be read.
        """
        if self._earlier is not None and isinstance(value, str):
            return self._earlier(value)
        for kind in self.types:
            if get_origin(kind) is Literal:
                if value in get_args(kind):
                    return value
            elif get_origin(kind) is tuple or (kind is self.struct and isinstance(value, dict)):
                return msgspec.convert(value, kind)
            elif isinstance(value, kind) and not isinstance(value, bool):
                return value
        raise ValueError(f"of type {type(value).__name__}")


def members(model: type[msgspec.Struct], rules: Mapping[str, Rule] | None = None) -> list[Member]:
    """Return the members of a model, in their order; `rules` replaces those of some."""
    hints = get_type_hints(model, include_extras=True)
    return [
        Member(field, hints[field.name], (rules or {}).get(field.encode_name))
        for field in msgspec.structs.fields(model)
    ]


def _union(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows, without the marks."""
    annotation = _bare(annotation)
    if get_origin(annotation) in (Union, UnionType):
        yield from (each for each in get_args(annotation) if each is not NoneType)
    else:
        yield annotation


def _bare(annotation: Any) -> Any:
    """An annotation without its marks."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _named(types: tuple[Any, ...]) -> str:
    """What a member without a rule must be."""
    values = [value for kind in types if get_origin(kind) is Literal for value in get_args(kind)]
    return "one of " + ", ".join(values) if values else "as the service writes it"


def _is_struct(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, msgspec.Struct)
