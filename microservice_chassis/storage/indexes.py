"""Names and definitions of indexes, and the two that every collection has."""

from __future__ import annotations

from datetime import UTC, datetime

from bson import ObjectId
from pymongo import IndexModel

from microservice_chassis.storage.selection import Lane, Walk

# The first of all ObjectIds, and of all times: what is of another type, or missing, is below.
FIRST_ID = ObjectId(bytes(12))
FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)

# The order of creation, by the index that MongoDB always keeps.
BY_ID = Walk("_id_", "_id", (Lane({}, FIRST_ID),))


def index(name: str, *members: str, geospatial: str | None = None) -> IndexModel:
    """Return an index over members, in their order; behind a `geospatial` one, if there is one."""
    keys: list[tuple[str, int | str]] = [(member, 1) for member in members]
    return IndexModel([(geospatial, "2dsphere"), *keys] if geospatial else keys, name=name)


BY_CHANGE_INDEX = index("by_change", "updated_at", "_id")


def by_change(since: datetime | None) -> Walk:
    """Return the walk through what has been changed since a time, in the order of the changes."""
    low = FIRST_INSTANT if since is None else since
    name = frozenset({"updated_at"})
    return Walk("by_change", "updated_at", (Lane({}, low),), narrowed=name, decided=name)
