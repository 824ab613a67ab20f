"""EventQuery: what a client may ask the events for."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from microservice_chassis.errors import InvalidParameter
from microservice_chassis.schema.folding import folded, words
from microservice_chassis.schema.malformed import Malformed
from microservice_chassis.schema.member import Rule
from microservice_chassis.schema.range_query import RangeQuery

DEFAULT_RADIUS_KM = 10.0
HIGHEST_RADIUS_KM = 1000

# More words than that, nobody looks for; each costs a look into an index.
_MOST_WORDS = 10

_NOT_EMPTY = {"minLength": 1}

_EITHER_WAY = "- in front reverses"

Sort = Literal[
    "id", "-id", "starts_at", "-starts_at", "title", "-title", "updated_at", "-updated_at",
    "distance",
]  # fmt: skip


# As JSON (RFC 8259, section 6) and JavaScript write a number; float() takes much else.
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]+)?"
_POINT = f"{_NUMBER},{_NUMBER}"


class Point(msgspec.Struct, frozen=True):
    """A point on the Earth, in degrees (WGS 84)."""

    latitude: float
    longitude: float


def topic(value: str) -> str:
    """One topic, folded."""
    if "," in value:
        raise Malformed("a comma separates topics, and only one can be asked for")
    return name(value)


def name(value: str) -> str:
    """A name that is not empty, folded."""
    if not (compared := folded(value)):
        raise ValueError("nothing is left to compare")
    return compared


def searched_words(value: str) -> tuple[str, ...]:
    """The words of a text, folded."""
    found = words(value)
    if not found:
        raise Malformed("it has no letter and no digit")
    if len(found) > _MOST_WORDS:
        raise Malformed(f"it has {len(found)} different words")
    return tuple(found)


def point(value: str) -> Point:
    """A latitude and a longitude, separated by a comma."""
    if value.count(",") != 1:
        raise Malformed("there is a comma between latitude and longitude, and no other")
    if not re.fullmatch(_POINT, value):
        raise ValueError("not two numbers")
    latitude, longitude = map(float, value.split(","))
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError("not on the Earth")
    return Point(latitude, longitude)


def radius(value: str) -> float:
    """A number of kilometres."""
    if not re.fullmatch(_NUMBER, value):
        raise ValueError("not a number")
    radius_km = float(value)
    if not 0 < radius_km <= HIGHEST_RADIUS_KM:
        raise ValueError("out of range")
    return radius_km


class EventQuery(RangeQuery, frozen=True, kw_only=True):
    """Which events, and in which order; case and accents make no difference."""

    sort: Annotated[
        Sort | None,
        Rule(f"id, starts_at, title or updated_at ({_EITHER_WAY}), or distance"),
    ] = None
    topic: Annotated[
        str | None, Rule("one of the event's topics", topic, {"pattern": "^[^,]+$"})
    ] = None
    place: Annotated[
        tuple[str, ...] | None,
        Rule(f"1 to {_MOST_WORDS} words of the place", searched_words, _NOT_EMPTY),
    ] = None
    organizer: Annotated[str | None, Rule("the whole name of the organizer", name, _NOT_EMPTY)] = (
        None
    )
    q: Annotated[
        tuple[str, ...] | None,
        Rule(f"1 to {_MOST_WORDS} words of the event", searched_words, _NOT_EMPTY),
    ] = None
    near: Annotated[
        Point | None,
        Rule(
            'latitude,longitude in degrees, like "52.52,13.405"', point, {"pattern": f"^{_POINT}$"}
        ),
    ] = None
    radius: Annotated[
        float | None,
        Meta(gt=0, le=HIGHEST_RADIUS_KM),
        Rule(f"a number of kilometres, up to {HIGHEST_RADIUS_KM}", radius),
    ] = None

    def check(self) -> None:
        """Check what the parameters must be together.

        Raises:
            InvalidParameter
        """
        super().check()
        if self.near is None and self.radius is not None:
            raise InvalidParameter("The parameter radius needs the parameter near.")
        if self.near is None and self.sort == "distance":
            raise InvalidParameter("The order distance needs the parameter near.")

    @property
    def order(self) -> str:
        """The sort, or the one that is natural where there is none."""
        if self.sort is not None:
            return self.sort
        if self.ranged:
            return "starts_at"
        return "id" if self.near is None else "distance"
