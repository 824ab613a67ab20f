"""Scans: the query that goes on with a walk behind one document, and up to another.

Each lane becomes one or more alternatives that MongoDB merges in the order of the index
(MongoDB manual, "Explain Results", SORT_MERGE), so page 10,000 costs what the first one does.
"""

from __future__ import annotations

from collections.abc import Iterator

from microservice_chassis.storage.client import Document
from microservice_chassis.storage.selection import Lane, Order, Position, Walk


def query(
    walk: Walk,
    rest: tuple[Document, ...] = (),
    order: Order | None = None,
    after: Position | None = None,
    upto: Position | None = None,
) -> Document:
    """Return the query for the documents of a walk, all or those between two positions of an order.

    `after` is left out, `upto` is within.
    """
    alternatives = []
    for lane in walk.lanes:
        first = {**lane.first, **walk.covered}
        runs = _between(lane, walk.key, order, after, upto) if order else [_whole(lane, walk.key)]
        alternatives += [{**first, **run} for run in runs]
    if rest:
        alternatives = [{"$and": [each, *rest]} for each in alternatives]
    return alternatives[0] if len(alternatives) == 1 else {"$or": alternatives}


def _whole(lane: Lane, key: str) -> Document:
    return {key: {"$gte": lane.low} | ({} if lane.high is None else {"$lte": lane.high})}


def _between(
    lane: Lane, key: str, order: Order, after: Position | None, upto: Position | None
) -> Iterator[Document]:
    """Yield the runs of a lane between two positions, which tell apart what is equal by `_id`."""
    further, back = ("$lt", "$gt") if order.descending else ("$gt", "$lt")
    run = _whole(lane, key)[key]
    if key == "_id":
        run |= {further: after.key} if after else {}
        run |= {f"{back}e": upto.key} if upto else {}
        yield {key: run}
        return
    if after and upto and after.value == upto.value:
        yield {key: after.value, "_id": {further: after.key, f"{back}e": upto.key}}
        return
    if after:
        yield {key: after.value, "_id": {further: after.key}}
        run |= {further: after.value}
    if upto:
        yield {key: upto.value, "_id": {f"{back}e": upto.key}}
        run |= {back: upto.value}
    yield {key: run}
