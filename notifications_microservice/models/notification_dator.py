"""NotificationDator: the notifications collection, its indexes, and the ways through them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time

from microservice_chassis.storage.client import Document
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.indexes import (
    BY_CHANGE_INDEX,
    BY_ID,
    FIRST_ID,
    FIRST_INSTANT,
    by_change,
    index,
)
from microservice_chassis.storage.selection import Lane, Order, Selection, Term, Walk
from notifications_microservice.models.notification import Notification
from notifications_microservice.models.notification_query import NotificationQuery

INDEXES = (
    index("by_time", "scheduled_time", "_id"),
    BY_CHANGE_INDEX,
    index("by_status", "status", "_id"),
    index("by_status_and_time", "status", "scheduled_time", "_id"),
    index("by_address", "search.to_mail", "_id"),
)

# The name of the limit that `from` and `to` set, which all walks by time decide.
_TIME = frozenset({"scheduled_time"})


class NotificationDator(Dator[Notification]):
    """The notifications; `scheduled_time` is kept as a BSON date."""

    name = "notifications"
    model = Notification
    query = NotificationQuery
    indexes = INDEXES

    def selection(self, query: NotificationQuery) -> Selection:
        """Return the selection that a query describes; times in it are known."""
        since = query.updated_since
        by_time = _by_time(query, "by_time", {})
        walks = (BY_ID, by_time, by_change() if since is None else by_change(since))
        limits: dict[str, Document] = {}
        if query.ranged:
            limits["scheduled_time"] = {"scheduled_time": _range(by_time.lanes[0])}
        if since is not None:
            limits["updated_at"] = {"updated_at": {"$gte": since}}
        sort = query.order.removeprefix("-")
        return Selection(
            Order("_id" if sort == "id" else sort, query.order.startswith("-")),
            {walk.key: walk for walk in walks},
            limits,
            tuple(_terms(query)),
        )


def _terms(query: NotificationQuery) -> Iterator[Term]:
    if query.status is not None:
        first: Document = {"status": query.status}
        walks = (
            Walk("by_status", "_id", (Lane(first, FIRST_ID),)),
            _by_time(query, "by_status_and_time", first),
        )
        yield Term(first, {walk.key: walk for walk in walks})
    if query.to_mail is not None:
        first = {"search.to_mail": query.to_mail}
        yield Term(first, {"_id": Walk("by_address", "_id", (Lane(first, FIRST_ID),))})


def _by_time(query: NotificationQuery, index_name: str, first: Document) -> Walk:
    """Return the walk through what is scheduled in the range; a day is one of UTC."""
    low, high = FIRST_INSTANT, None
    if query.from_ is not None:
        low = query.from_.instant or datetime.combine(query.from_.day or low, time(), UTC)
    if query.to is not None:
        high = query.to.instant or datetime.combine(query.to.day or low, time.max, UTC)
    return Walk(
        index_name, "scheduled_time", (Lane(first, low, high),), narrowed=_TIME, decided=_TIME
    )


def _range(lane: Lane) -> Document:
    return {"$gte": lane.low} | ({} if lane.high is None else {"$lte": lane.high})
