"""The finder: finds the documents of a selection, page by page, with bounded work for each page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, cast

import pymongo
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import OperationFailure, PyMongoError

from microservice_chassis.errors import IndexNotReady
from microservice_chassis.storage import nearest
from microservice_chassis.storage.bulkhead import LARGE, Bulkhead
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.planner import Plan, choose
from microservice_chassis.storage.raw_bson import decode, split
from microservice_chassis.storage.scan import query
from microservice_chassis.storage.selection import DISTANCE, Near, Position, Selection, Walk

# For how long is counted where a walk leaves out keys, which may be nearly all of them.
_COUNTING_S = 0.25

# So many documents are a large answer.
_MANY = 200

# Behind all that are equally far.
_LAST_ID = ObjectId(b"\xff" * 12)

# MongoDB's codes for an index that is not there, yet (src/mongo/base/error_codes.yml): BadValue,
# where it is of a hint, and IndexNotFound and NoQueryExecutionPlans, of $geoNear.
_BAD_VALUE = 2
_NO_INDEX = frozenset({27, 291})


class Bounds(NamedTuple):
    """What bounds the work of one request.

    Up to `few` documents are all looked at, and sorted then. A page that leaves out documents looks
    at `examined`, or, where it is the nearest that it looks at, `nearest`. What an index counts is
    counted up to `counted`; where documents are looked at, up to `examined`.
    """

    few: int = 1000
    examined: int = 2000
    nearest: int = 1000
    counted: int = 10_000


class Found(NamedTuple):
    """The documents of a page, as bytes, and the position behind it, if there may be another.

    `few` says by which plan they were found; where distance is the order, the next page needs it.
    """

    documents: list[bytes]
    next: Position | None
    few: bool


class Total(NamedTuple):
    """How many resources a selection has, and how well that is known."""

    number: int
    precision: Literal["exact", "at-least", "estimate"]


class Finder:
    """Finds the documents of one collection. Every method raises DatabaseUnavailable."""

    def __init__(
        self,
        raw: AsyncCollection[RawBSONDocument],
        bulkhead: Bulkhead,
        bounds: Bounds = Bounds(),  # noqa: B008 - it cannot change
        *,
        members: Mapping[str, int],
    ) -> None:
        """`raw` is the collection, whose documents are wanted as bytes.

        `members` is the projection of what is wanted of them.
        """
        self._raw = raw
        self._bulkhead = bulkhead
        self._bounds = bounds
        self._members = members

    async def page(
        self,
        selection: Selection,
        limit: int,
        after: Position | None = None,
        few: bool | None = None,
    ) -> Found:
        """Return up to `limit` documents behind a position; `few` as a page before has said.

        A page may have fewer documents, or none, and still be followed by another.

        Raises:
            IndexNotReady
        """
        with _indexed():
            if selection.order.key == DISTANCE:
                plan = await choose(selection, self._keys, self._bounds.few, few)
                return await self._nearest_page(selection, plan, limit, after)
            plan = await choose(selection, self._keys, self._bounds.few)
            return await self._page(selection, plan, limit, after)

    async def total(self, selection: Selection) -> Total:
        """Return how many documents a selection has, counted up to a bound.

        Raises:
            IndexNotReady
        """
        if selection.whole:
            async with self._bulkhead.operation():
                return Total(await self._raw.estimated_document_count(), "estimate")
        with _indexed():
            plan = await choose(selection, self._keys, self._bounds.few)
            most = self._bounds.examined if plan.rest else self._bounds.counted
            keys = await self._keys(plan.walk, most + 1)
            number = await self._count(plan.walk, most, plan.rest) if plan.rest else keys
            exact = keys <= most
            return Total(min(number, most), "exact" if exact else "at-least")

    async def _page(
        self, selection: Selection, plan: Plan, limit: int, after: Position | None
    ) -> Found:
        order = selection.order
        upto = await self._position_at(selection, plan.walk, after) if plan.long else None
        if plan.ordered:
            wanted = query(plan.walk, plan.rest, order, after, upto)
        else:
            rest = plan.rest if after is None else (*plan.rest, order.behind(after))
            wanted = query(plan.walk, rest)
        # NOTE: one more than asked for tells whether another page follows.
        found = self._raw.find_raw_batches(
            wanted,
            self._with(order.key),
            sort=order.sort(),
            hint=plan.walk.index_name,
            limit=limit + 1,
            batch_size=limit + 1,
        )
        async with self._bulkhead.operation(size=_size(limit)):
            documents = _documents(await found.to_list())
        few = not plan.ordered
        if len(documents) > limit:
            page = documents[:limit]
            return Found(page, _position(page[-1], order.key), few)
        return Found(documents, upto, few)

    async def _nearest_page(
        self, selection: Selection, plan: Plan, limit: int, after: Position | None
    ) -> Found:
        near = cast("Near", selection.near)
        if not plan.ordered:
            stages = nearest.of_few(near, plan.walk, plan.rest, after)
            found = await self._aggregate(stages, limit + 1, hint=plan.walk.index_name)
            page = found[:limit]
            follows = len(found) > limit
            return Found(page, _position(page[-1], DISTANCE) if follows else None, True)
        upto_m = await self._distance_at(near, after) if plan.long else None
        stages = nearest.by_index(near, plan.rest, after, upto_m)
        found = await self._aggregate(stages, limit + 1)
        if len(found) <= limit:
            behind = None if upto_m is None else Position(upto_m, _LAST_ID)
            return Found(_by_distance(found), behind, False)
        last_m = _position(found[limit - 1], DISTANCE).value
        if _position(found[limit], DISTANCE).value > last_m:
            page = _by_distance(found[:limit])
        else:
            # NOTE: the index knows no order of what is equally far.
            nearer = [raw for raw in found if _position(raw, DISTANCE).value < last_m]
            equal = [*stages, {"$match": {DISTANCE: last_m}}, {"$sort": {"_id": 1}}]
            page = _by_distance(nearer) + await self._aggregate(equal, limit - len(nearer))
        return Found(page, _position(page[-1], DISTANCE), False)

    async def _position_at(
        self, selection: Selection, walk: Walk, after: Position | None
    ) -> Position | None:
        """Return where a walk has come to after `examined` documents, or None if it ends before.

        The index alone tells that.
        """
        order = selection.order
        keys = self._raw.find(
            query(walk, (), order, after),
            {"_id": 1, order.key: 1},
            sort=order.sort(),
            hint=walk.index_name,
            skip=self._bounds.examined - 1,
            limit=1,
        )
        async with self._bulkhead.operation():
            found = await keys.to_list()
        return _position(found[0].raw, order.key) if found else None

    async def _distance_at(self, near: Near, after: Position | None) -> float | None:
        """Return how far the last is of the next nearest documents, or None if there are fewer."""
        stages = [
            *nearest.by_index(near, (), after, None),
            {"$skip": self._bounds.nearest - 1},
            {"$project": {DISTANCE: 1}},
        ]
        found = await self._aggregate(stages, 1)
        return cast("float", _position(found[0], DISTANCE).value) if found else None

    def _with(self, key: str) -> dict[str, int]:
        """Return the projection that has the key of an order, too, from which positions are."""
        return {**self._members, key: 1}

    async def _aggregate(self, stages: list[Document], limit: int, **options: Any) -> list[bytes]:
        """Return the documents that a pipeline yields, up to a limit."""
        pipeline = [*stages, {"$limit": limit}, {"$project": self._with(DISTANCE)}]
        async with self._bulkhead.operation(size=_size(limit)):
            found = await self._raw.aggregate_raw_batches(pipeline, batchSize=limit, **options)
            return _documents(await found.to_list())

    async def _keys(self, walk: Walk, most: int) -> int:
        """Return how many documents a walk has, up to `most`; that if it takes too long to tell."""
        if not walk.filtered:
            return await self._count(walk, most)
        async with self._bulkhead.operation():
            try:
                with pymongo.timeout(_COUNTING_S):
                    return await self._counted(walk, most)
            except PyMongoError as error:
                if error.timeout:
                    return most
                raise

    async def _count(self, walk: Walk, most: int, rest: tuple[Document, ...] = ()) -> int:
        async with self._bulkhead.operation():
            return await self._counted(walk, most, rest)

    async def _counted(self, walk: Walk, most: int, rest: tuple[Document, ...] = ()) -> int:
        """Return how many of the first `most` documents of a walk fulfil the rest."""
        pipeline: list[Document] = [{"$match": query(walk)}, {"$limit": most}]
        pipeline += [{"$match": {"$and": list(rest)}}] if rest else []
        pipeline += [{"$count": "number"}]
        counts = await (await self._raw.aggregate(pipeline, hint=walk.index_name)).to_list()
        return int(counts[0]["number"]) if counts else 0


@contextmanager
def _indexed() -> Iterator[None]:
    try:
        yield
    except OperationFailure as error:
        if error.code in _NO_INDEX or (error.code == _BAD_VALUE and "hint" in str(error)):
            raise IndexNotReady(str(error)) from None
        raise


def _size(limit: int) -> int:
    return LARGE if limit >= _MANY else 1


def _documents(batches: object) -> list[bytes]:
    # NOTE: PyMongo's annotation says documents; these are the bytes of many in a row.
    return [raw for batch in cast("list[bytes]", batches) for raw in split(batch)]


def _position(raw: bytes | memoryview, key: str) -> Position:
    document = decode(raw)
    value: Any = document
    for name in key.split("."):
        value = value[name]
    return Position(value, document["_id"])


def _by_distance(documents: list[bytes]) -> list[bytes]:
    return sorted(documents, key=lambda raw: _position(raw, DISTANCE))
