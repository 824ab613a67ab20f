"""Selections: which documents are wanted, in which order, and the ways that indexes offer to them.

A dator turns a query into a selection; `planner` chooses one of the ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bson import ObjectId

from microservice_chassis.storage.client import Document

# The order by distance; no member of a document.
DISTANCE = "distance"


class Position(NamedTuple):
    """A place in an order: that of the document with this value of its key, and this `_id`."""

    value: Any
    key: ObjectId


class Order(NamedTuple):
    """The order of a selection: by one member of each document, then by `_id`."""

    key: str
    descending: bool = False

    def sort(self) -> dict[str, int]:
        """Return it as MongoDB's sort."""
        direction = -1 if self.descending else 1
        return {self.key: direction, "_id": direction}  # which is one where the key is `_id`

    def behind(self, position: Position) -> Document:
        """Return the condition that a document is behind a position."""
        further = "$lt" if self.descending else "$gt"
        return {
            "$or": [
                {self.key: {further: position.value}},
                {self.key: position.value, "_id": {further: position.key}},
            ]
        }


class Lane(NamedTuple):
    """A run of an index: what its first members are, and from where to where the key goes.

    `low` is never left out: values of other types, and missing ones, are below it.
    """

    first: Document
    low: Any
    high: Any = None


class Walk(NamedTuple):
    """A way through an index: its lanes, merged, which are in the order of `key`.

    It keeps within the limits that it is `narrowed` by; those that it has `decided` need not be
    looked at again. `covered` are conditions on further members of the index. Of a `filtered` one
    many keys may be looked at for each that counts.
    """

    index_name: str
    key: str
    lanes: tuple[Lane, ...]
    covered: Document = {}  # noqa: RUF012 - of a NamedTuple, and never changed
    narrowed: frozenset[str] = frozenset()
    decided: frozenset[str] = frozenset()
    filtered: bool = False


class Term(NamedTuple):
    """One value that a member must have, and walks through the documents that have it, by key."""

    condition: Document
    walks: Mapping[str, Walk]


class Near(NamedTuple):
    """A circle on the Earth, in degrees and kilometres, and the walk through what is within."""

    member: str
    latitude: float
    longitude: float
    radius_km: float
    walk: Walk

    @property
    def condition(self) -> Document:
        """The condition that a point is within the circle."""
        return {self.member: within(self.latitude, self.longitude, self.radius_km)}


# The radius that MongoDB computes distances with, in kilometres (src/mongo/db/geo/geoconstants.h).
EARTH_RADIUS_KM = 6378.1


def within(latitude: float, longitude: float, radius_km: float) -> Document:
    """Return the condition on a point that is within a circle (MongoDB manual, "$centerSphere")."""
    circle = [[longitude, latitude], radius_km / EARTH_RADIUS_KM]
    return {"$geoWithin": {"$centerSphere": circle}}


class Selection(NamedTuple):
    """The documents that fulfil everything: all terms, all limits, and near a point.

    `walks` has, for each key that is an order, a way to all of them. `limits` are exact conditions
    by names that the walks use.
    """

    order: Order
    walks: Mapping[str, Walk]
    limits: Mapping[str, Document] = {}
    terms: tuple[Term, ...] = ()
    near: Near | None = None

    @property
    def whole(self) -> bool:
        """Whether it is the whole collection."""
        return not (self.limits or self.terms or self.near)
