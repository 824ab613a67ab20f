"""NotificationDator: the notifications collection, its indexes, and the ways through them."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, ClassVar

from microservice_chassis.storage.client import Document
from microservice_chassis.storage.codec import Stored
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.indexes import (
    BY_CHANGE_INDEX,
    BY_ID,
    FIRST_ID,
    FIRST_INSTANT,
    by_change,
    index,
)
from microservice_chassis.storage.refusals import Refusal
from microservice_chassis.storage.selection import Lane, Order, Selection, Term, Walk
from microservice_chassis.storage.server_clock import ServerClock
from notifications_microservice.models.claims import Claims
from notifications_microservice.models.figures import FiguresRecord
from notifications_microservice.models.hints import LONGEST_SLEEP_S, Hints
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


def _of_status(status: str) -> Document:
    # NOTE: a query for a value finds arrays that have it, too; those are no status.
    return {"status": {"$eq": status, "$not": {"$type": "array"}}}


_SENDING = Refusal(
    _of_status("sending"),
    "The notification is being sent; it can be changed or deleted once its status is another one.",
)
_SENT = Refusal(
    _of_status("sent"),
    "The notification has been sent; it can only be deleted. POST creates another one.",
)


class NotificationDator(Dator[Notification]):
    """The notifications; `scheduled_time` is kept as a BSON date.

    Beside the members a document has what the delivery goes by; `claims` says what.
    """

    name = "notifications"
    model = Notification
    query = NotificationQuery
    indexes = INDEXES

    # One that nobody has tried to send: its `due_at` is its `scheduled_time`.
    plain: ClassVar[Document] = {"status": "pending", "attempts": 0}

    unchangeable = (_SENDING, _SENT)
    undeletable = (_SENDING,)

    def __init__(self, *parts: Any, ring: Callable[[], bool] = lambda: False, **more: Any) -> None:
        """`ring` wakes those who deliver on this machine, and returns whether there is one."""
        super().__init__(*parts, **more)
        self.hints = Hints(self.collection.database)
        self._ring = ring
        self._clock = ServerClock.of(self.collection.database.client)

    def claims(self) -> Claims:
        """Return the claims of one who delivers."""
        return Claims(self._raw, self.writer, self.bulkhead, self.codec)

    def figures(self) -> FiguresRecord:
        """Return the figures of the delivery."""
        return FiguresRecord(self.collection)

    def selection(self, query: NotificationQuery) -> Selection:
        """Return the selection that a query describes; times in it are known."""
        since = query.updated_since
        by_time = _by_time(query, "by_time", {})
        walks = (BY_ID, by_time, by_change(since))
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

    async def after_write(self, written: Sequence[Stored[Notification]]) -> None:
        """Tell those who deliver, where one is due before they would look for it."""
        soon = self._clock.at(clock.monotonic()) + timedelta(seconds=LONGEST_SLEEP_S + 1)
        due = (
            each.resource.scheduled_time < soon and each.resource.status == "pending"
            for each in written
        )
        if any(due) and not self._ring():
            await self.hints.give()


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
