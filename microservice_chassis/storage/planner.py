"""The planner: chooses the index by which a selection is found, so that the work is bounded.

It decides in the place of MongoDB, whose own planner tries several plans for each query, which
doubles the cost, and keeps what was right for another value. docs/search.md has a table of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from microservice_chassis.storage.client import Document
from microservice_chassis.storage.selection import DISTANCE, Selection, Walk

# Counts the keys of a walk, up to a limit.
Count = Callable[[Walk, int], Awaitable[int]]


class Plan(NamedTuple):
    """One way to a selection.

    `rest` are the conditions that are looked at in a document. Where the walk is not `ordered`, it
    is through few documents, which are sorted. A `long` one may leave out many for each it finds.
    """

    walk: Walk
    rest: tuple[Document, ...] = ()
    ordered: bool = True
    long: bool = False


async def choose(selection: Selection, count: Count, most: int, few: bool | None = None) -> Plan:
    """Return the plan for a selection; up to `most` documents are few.

    `few` says which one an order by distance goes on with: it must be the same for all pages.
    """
    key = selection.order.key
    if selection.whole:
        return Plan(selection.walks[key])
    for walk in _in_order(selection):
        plan = _plan(selection, walk)
        if not plan.long:
            return plan
    if few is not False:
        short, keys = await _shortest(selection, count, most + 1)
        if few or keys <= most:
            return _plan(selection, short)._replace(ordered=False, long=False)
    return _plan(selection, next(_in_order(selection)))


def _in_order(selection: Selection) -> Iterator[Walk]:
    """Yield the walks that are in the order of a selection, those through the fewest first."""
    key = selection.order.key
    if key == DISTANCE:
        assert selection.near is not None  # noqa: S101 - the query's check
        yield selection.near.walk
        return
    yield from (term.walks[key] for term in selection.terms if key in term.walks)
    yield selection.walks[key]


async def _shortest(selection: Selection, count: Count, most: int) -> tuple[Walk, int]:
    """Return the walk of one condition that has the fewest keys, and how many, up to `most`."""
    found = [(await count(walk, most), walk) for walk in _of_conditions(selection)]
    keys, walk = min(found, key=lambda each: each[0])
    return walk, keys


def _of_conditions(selection: Selection) -> Iterator[Walk]:
    """Yield one walk for each condition, the one that limits narrow most."""
    for term in selection.terms:
        yield max(term.walks.values(), key=lambda walk: len(walk.narrowed))
    for limit in selection.limits:
        yield next(walk for walk in selection.walks.values() if limit in walk.narrowed)
    if selection.near is not None:
        yield selection.near.walk


def _plan(selection: Selection, walk: Walk) -> Plan:
    """Return the plan that goes by one walk."""
    near = selection.near
    others = [term.condition for term in selection.terms if walk not in term.walks.values()]
    if near is not None and walk != near.walk:
        others.append(near.condition)
    undecided = [
        condition for name, condition in selection.limits.items() if name not in walk.decided
    ]
    # NOTE: $geoNear takes what is nearest, and only then looks at anything else.
    loose = any(
        name not in walk.narrowed or selection.order.key == DISTANCE for name in selection.limits
    )
    return Plan(walk, (*others, *undecided), long=bool(others) or loose)
