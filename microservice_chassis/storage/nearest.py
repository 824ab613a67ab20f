"""The nearest first: pipelines that find documents in the order of their distance from a point.

Through a geospatial index ($geoNear, MongoDB manual), or of few documents with the distance
computed for each. Both add it to the documents, as `distance` in metres. They differ in the last
digits of a distance, so all pages of a walk keep to one of them.
"""

from __future__ import annotations

from typing import Any

from microservice_chassis.storage.client import Document
from microservice_chassis.storage.scan import query
from microservice_chassis.storage.selection import (
    DISTANCE,
    EARTH_RADIUS_KM,
    Near,
    Order,
    Position,
    Walk,
)

_ORDER = Order(DISTANCE)

# How far MongoDB's comparison of a distance with a limit may be off; the exact one follows.
_TOLERANCE = 1e-9


def by_index(
    near: Near, rest: tuple[Document, ...], after: Position | None, upto_m: float | None
) -> list[Document]:
    """Return the stages that yield what is nearest, behind a position, up to a distance."""
    limit_m = near.radius_km * 1000
    if upto_m is not None:
        limit_m = min(limit_m, upto_m * (1 + _TOLERANCE))
    stage: Document = {
        "near": {"type": "Point", "coordinates": [near.longitude, near.latitude]},
        "key": near.member,
        "distanceField": DISTANCE,
        "maxDistance": limit_m,
    }
    conditions: list[Document] = []
    if rest:
        stage["query"] = {"$and": list(rest)}
    if after is not None:
        stage["minDistance"] = after.value * (1 - _TOLERANCE)
        conditions.append(_ORDER.behind(after))
    if upto_m is not None:
        conditions.append({DISTANCE: {"$lte": upto_m}})
    return [{"$geoNear": stage}, *({"$match": each} for each in conditions)]


def of_few(
    near: Near, walk: Walk, rest: tuple[Document, ...], after: Position | None
) -> list[Document]:
    """Return the stages that yield the documents of a walk, the nearest first."""
    stages = [
        {"$match": query(walk, rest)},
        {"$addFields": {DISTANCE: _distance_m(near)}},
    ]
    if after is not None:
        stages.append({"$match": _ORDER.behind(after)})
    return [*stages, {"$sort": _ORDER.sort()}]


def _distance_m(near: Near) -> Document:
    """Return the expression of the distance on a sphere, by the haversine formula."""
    longitude, latitude = (
        {"$degreesToRadians": {"$arrayElemAt": [f"${near.member}.coordinates", index]}}
        for index in (0, 1)
    )
    there = {"$degreesToRadians": near.latitude}
    haversine = {
        "$add": [
            _half_sine_squared(latitude, there),
            {
                "$multiply": [
                    {"$cos": latitude},
                    {"$cos": there},
                    _half_sine_squared(longitude, {"$degreesToRadians": near.longitude}),
                ]
            },
        ]
    }
    angle = {"$asin": {"$min": [1.0, {"$sqrt": haversine}]}}
    return {"$multiply": [2000 * EARTH_RADIUS_KM, angle]}


def _half_sine_squared(one: Any, other: Any) -> Document:
    return {"$pow": [{"$sin": {"$divide": [{"$subtract": [one, other]}, 2]}}, 2]}
