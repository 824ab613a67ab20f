"""Event: what an event is, and when it is valid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from events_microservice.models import event_search, schedule
from microservice_chassis.schema.folding import folded, words
from microservice_chassis.schema.local_time import DATE, TIME, calendar_date, local_time
from microservice_chassis.schema.member import Derived, Earlier, Recorded, Rule
from microservice_chassis.schema.scalars import TEXT, TEXT_KEYWORDS, text
from microservice_chassis.schema.schema import Resource


class Location(Struct, frozen=True, kw_only=True):
    """A point on the Earth, in degrees (WGS 84)."""

    latitude: Annotated[float, Meta(ge=-90, le=90), Rule("a number from -90 to 90")]
    longitude: Annotated[float, Meta(ge=-180, le=180), Rule("a number from -180 to 180")]

    def geojson(self) -> Mapping[str, Any]:
        """Return it as a point of GeoJSON (RFC 7946, section 3.1.2)."""
        return {"type": "Point", "coordinates": [self.longitude, self.latitude]}


def _text(must_be: str) -> Rule:
    return Rule(must_be, text, TEXT_KEYWORDS)


class Event(Resource, frozen=True, kw_only=True):
    """A social event, in the order in which its members are answered."""

    title: Annotated[str, Meta(min_length=1, max_length=60), _text(f"1 to 60 {TEXT}")]
    description: Annotated[str, Meta(min_length=20, max_length=400), _text(f"20 to 400 {TEXT}")]
    date: Annotated[str, Rule("a calendar date, YYYY-MM-DD", calendar_date, DATE)]
    time: Annotated[
        str, Rule("a time of day, HH:MM:SS or HH:MM", local_time, TIME), Earlier(local_time)
    ]
    place: Annotated[str, Meta(max_length=100), _text(f"up to 100 {TEXT}")] = ""
    organizer: Annotated[str, Meta(max_length=50), _text(f"up to 50 {TEXT}")] = ""
    topics: Annotated[
        str, Meta(max_length=50), _text(f"topics separated by commas, up to 50 {TEXT}")
    ] = ""
    timezone: Annotated[
        str,
        Rule(
            'a name of the IANA time zone database, like "Europe/Berlin"',
            schedule.timezone,
            schedule.timezone_keywords,
        ),
    ] = "UTC"
    duration: Annotated[
        str | None,
        Rule(
            "null or an ISO 8601 duration of weeks, or of days, hours, minutes and seconds,"
            ' like "PT2H", up to 31 days',
            schedule.duration,
            schedule.DURATION,
        ),
    ] = None
    location: Annotated[
        Location | None,
        Rule('null or {"latitude": -90 to 90, "longitude": -180 to 180}'),
    ] = None
    starts_at: Annotated[datetime | None, Derived("date", "time", "timezone")] = None
    ends_at: Annotated[datetime | None, Derived("date", "time", "timezone", "duration")] = None
    created_at: Annotated[datetime | None, Recorded] = None
    updated_at: Annotated[datetime | None, Recorded] = None

    example: ClassVar[Mapping[str, Any]] = {
        "title": "Jazz in the park",
        "description": "Four musicians, one meadow, bring a blanket.",
        "date": "2027-06-12",
        "time": "20:00:00",
        "place": "Treptower Park, Berlin",
        "organizer": "Ana",
        "topics": "jazz, music",
        "timezone": "Europe/Berlin",
        "duration": "PT2H",
        "location": {"latitude": 52.4886, "longitude": 13.4697},
    }

    def derived(self) -> Mapping[str, Any]:
        """When the event starts and ends, in UTC."""
        return schedule.instants(self.date, self.time, self.timezone, self.duration)._asdict()

    searched_from = frozenset(
        {
            *("title", "description", "place", "organizer", "topics"),
            *("date", "time", "timezone", "duration", "location"),
        }
    )

    def searched(self) -> Mapping[str, Any]:
        """What `event_search` says."""
        assert self.starts_at is not None and self.ends_at is not None  # noqa: S101, PT018 - derived
        texts = (self.title, self.description, self.place, self.organizer, self.topics)
        found_by = {
            "title": folded(self.title),
            "tags": event_search.tags(self.topics, self.organizer, self.place),
            "words": words(" ".join(texts)),
            "class": event_search.class_of(self.ends_at - self.starts_at),
            "last_date": schedule.local_date(self.ends_at, self.timezone),
        }
        return found_by if self.location is None else {**found_by, "geo": self.location.geojson()}
