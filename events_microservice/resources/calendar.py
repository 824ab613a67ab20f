"""Calendars: events as text/calendar (RFC 5545), to be read by calendar programs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import timedelta

import falcon.asgi
import icalendar

from events_microservice.models.event_dator import EventDator, StoredEvent
from events_microservice.resources.calendar_event import timing_of, vevent
from events_microservice.resources.time_zone import TimeZone
from microservice_chassis.http.entity_tag import content_tag
from microservice_chassis.http.query import query_parameters
from microservice_chassis.http.reference import absolute_url
from microservice_chassis.schema.query import QueryParameters

CALENDAR = "text/calendar"

# More than that a feed does not have.
MOST_EVENTS = 1000

_PRODUCT = "-//EventPost//EventPost//EN"
_NAME = "EventPost"
_END = b"END:VCALENDAR\r\n"

# How often a calendar program should ask again.
_REFRESH = timedelta(hours=1)


class Calendar:
    """A calendar in the making: the text of each event, and which time zones they are in."""

    def __init__(self, deployment_id: str, collection_url: str) -> None:
        """`collection_url` is the absolute URL of /events."""
        self._deployment_id = deployment_id
        self._collection_url = collection_url
        self._zones: dict[str, TimeZone] = {}

    def event(self, stored: StoredEvent) -> bytes:
        """Return the text of an event in this calendar."""
        timing = timing_of(stored.resource)
        if timing.zone is not None:
            self._zone(timing.zone).cover(timing.years)
        url = f"{self._collection_url}/{stored.resource.id}"
        return vevent(stored, timing, self._deployment_id, url)

    async def text(self, events: Sequence[bytes], *, is_feed: bool = False) -> bytes:
        """Return the whole calendar with the texts of its events; a feed is asked for again."""
        calendar = icalendar.Calendar()
        calendar.add("prodid", _PRODUCT)
        calendar.add("version", "2.0")
        if is_feed:
            calendar.add("name", _NAME)
            calendar.add("x-wr-calname", _NAME)
            calendar.add("refresh-interval", _REFRESH, {"VALUE": "DURATION"})
            calendar.add("x-published-ttl", icalendar.vDuration(_REFRESH))
        if not events:
            # NOTE: a calendar has one component at least (section 3.6).
            self._zone("UTC").cover([1970])
        zones = []
        for _, zone in sorted(self._zones.items()):
            zones.append(zone.text())
            await asyncio.sleep(0)
        head: bytes = calendar.to_ical().removesuffix(_END)
        return b"".join((head, *zones, *events, _END))

    def _zone(self, name: str) -> TimeZone:
        return self._zones.setdefault(name, TimeZone(name))


class Feed:
    """The events that are still to come, for a calendar program that subscribes to them."""

    def __init__(self, dator: EventDator) -> None:
        self._dator = dator
        self._query = QueryParameters(dator.query)

    async def answer(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200: up to MOST_EVENTS events of what the query selects, from today on by itself."""
        query = self._query.parse({"from": "today", **query_parameters(req, self._query.selecting)})
        calendar = Calendar(await self._dator.deployment_id(), absolute_url(req, "/events"))
        events: list[bytes] = []
        async with aclosing(self._dator.walk(query, calendar.event)) as pages:
            async for page in pages:
                events += page
                if len(events) >= MOST_EVENTS:
                    break
        _answer(resp, await calendar.text(events[:MOST_EVENTS], is_feed=True))


class SingleEvent:
    """One event, to be put into a calendar."""

    def __init__(self, dator: EventDator) -> None:
        self._dator = dator

    async def answer(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:
        """200: a calendar of this event alone."""
        query_parameters(req)
        calendar = Calendar(await self._dator.deployment_id(), absolute_url(req, "/events"))
        event = calendar.event(await self._dator.find(id))
        _answer(resp, await calendar.text([event]))


def _answer(resp: falcon.asgi.Response, text: bytes) -> None:
    resp.content_type = f"{CALENDAR}; charset=utf-8"
    resp.data = text
    resp.etag = content_tag(text)
