"""EventDator: the events collection, its indexes, and the ways through them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from events_microservice.models.event import Event
from events_microservice.models.event_query import DEFAULT_RADIUS_KM, EventQuery
from events_microservice.models.event_search import (
    CLASSES,
    tag_of_organizer,
    tag_of_place,
    tag_of_topic,
)
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
from microservice_chassis.storage.selection import (
    DISTANCE,
    Lane,
    Near,
    Order,
    Selection,
    Term,
    Walk,
    within,
)

# What the indexes by the start have behind it, so that an event that is over, or whose dates in its
# own zone are others, need not be looked at.
_ENDS = ("ends_at", "search.last_date", "date")
_ENDS_OF_TAGGED = ("ends_at",)  # there are several keys for each event

INDEXES = (
    index("by_start", "search.class", "starts_at", "_id", *_ENDS),
    index("by_title", "search.title", "_id"),
    BY_CHANGE_INDEX,
    index("by_tag", "search.tags", "_id"),
    index("by_tag_and_start", "search.tags", "starts_at", "_id", *_ENDS_OF_TAGGED),
    index("by_word", "search.words", "starts_at", "_id"),
    index("by_location", "starts_at", geospatial="search.geo"),
)

_BY_TITLE = Walk("by_title", "search.title", (Lane({}, ""),))

_KEYS = {
    "id": "_id",
    "starts_at": "starts_at",
    "title": "search.title",
    "updated_at": "updated_at",
    "distance": DISTANCE,
}

# How far the date of an event, in its zone, may be off from the date in UTC: more than any offset.
_ZONES = timedelta(hours=16)

# The name of the limit that `from` and `to` set.
_TIME = frozenset({"starts_at"})


# An event as the collection holds it.
StoredEvent = Stored[Event]


class Span(NamedTuple):
    """The range of time that events overlap: instants that enclose it, and the exact condition."""

    low: datetime | None
    high: datetime | None
    condition: Document

    @classmethod
    def of(cls, query: EventQuery) -> Span:
        """Return the span of a query whose times are known."""
        low = high = None
        condition: Document = {}
        if query.from_ is not None:
            low = query.from_.instant
            condition["ends_at"] = {"$gte": low}
            if query.from_.day is not None:
                low = _shifted(datetime.combine(query.from_.day, time(), UTC), -_ZONES)
                condition = {"search.last_date": {"$gte": query.from_.day.isoformat()}}
        if query.to is not None:
            high = query.to.instant
            if query.to.day is not None:
                high = _shifted(datetime.combine(query.to.day, time.max, UTC), _ZONES)
                condition["date"] = {"$lte": query.to.day.isoformat()}
            else:
                condition["starts_at"] = {"$lte": high}
        return cls(low, high, condition)

    def lane(self, first: Document, longest: timedelta) -> Lane:
        """Return the lane of events that last so long at most and may overlap the span."""
        low = FIRST_INSTANT if self.low is None else _shifted(self.low, -longest)
        return Lane(first, low, self.high)

    def walk(self, index_name: str, *lanes: Lane, ends: Sequence[str] = ()) -> Walk:
        """Return the walk through lanes of an index, which has `ends` behind the start."""
        conditions = {} if self.low is None else {"ends_at": {"$gte": self.low}}
        conditions |= self.condition
        covered = {name: conditions[name] for name in ends if name in conditions}
        decided = self.condition.keys() <= {"starts_at", *covered}
        return Walk(
            index_name, "starts_at", lanes, covered, _TIME, _TIME if decided else frozenset()
        )


class EventDator(Dator[Event]):
    """The events; `starts_at` and `ends_at` are kept as BSON dates beside the local schedule."""

    name = "events"
    model = Event
    query = EventQuery
    indexes = INDEXES

    @property
    def timezone(self) -> str:
        """The zone of `today` in a query: the one of events that name none."""
        zone: str = self.schema.defaults["timezone"]
        return zone

    def selection(self, query: EventQuery) -> Selection:
        """Return the selection that a query describes; times in it are known."""
        span = Span.of(query)
        since = query.updated_since
        classes = (span.lane({"search.class": n}, most) for n, most in enumerate(CLASSES))
        walks = (
            BY_ID,
            span.walk("by_start", *classes, ends=_ENDS),
            _BY_TITLE,
            by_change(since),
        )
        limits: dict[str, Document] = {}
        if span.condition:
            limits["starts_at"] = span.condition
        if since is not None:
            limits["updated_at"] = {"updated_at": {"$gte": since}}
        return Selection(
            Order(_KEYS[query.order.removeprefix("-")], query.order.startswith("-")),
            {walk.key: walk for walk in walks},
            limits,
            (*_tags(query, span), *_words(query, span)),
            _near(query, span),
        )


def _tags(query: EventQuery, span: Span) -> Iterator[Term]:
    tags = [tag_of_place(word) for word in query.place or ()]
    if query.topic is not None:
        tags.append(tag_of_topic(query.topic))
    if query.organizer is not None:
        tags.append(tag_of_organizer(query.organizer))
    for tag in tags:
        first = {"search.tags": tag}
        by_start = span.lane(first, CLASSES[-1])
        walks = (
            Walk("by_tag", "_id", (Lane(first, FIRST_ID),)),
            span.walk("by_tag_and_start", by_start, ends=_ENDS_OF_TAGGED),
        )
        yield Term(first, {walk.key: walk for walk in walks})


def _words(query: EventQuery, span: Span) -> Iterator[Term]:
    for word in query.q or ():
        first = {"search.words": word}
        walk = span.walk("by_word", span.lane(first, CLASSES[-1]))
        yield Term(first, {walk.key: walk})


def _near(query: EventQuery, span: Span) -> Near | None:
    if query.near is None:
        return None
    radius_km = query.radius or DEFAULT_RADIUS_KM
    circle = {"search.geo": within(query.near.latitude, query.near.longitude, radius_km)}
    walk = span.walk("by_location", span.lane(circle, CLASSES[-1]))
    return Near(
        "search.geo",
        query.near.latitude,
        query.near.longitude,
        radius_km,
        walk._replace(filtered=True),
    )


def _shifted(moment: datetime, by: timedelta) -> datetime:
    """Return a moment that is earlier or later, as far as there are years."""
    try:
        return moment + by
    except OverflowError:
        return FIRST_INSTANT if by < timedelta(0) else datetime.max.replace(tzinfo=UTC)
