"""The VEVENT: an event as calendars know it (RFC 5545, section 3.6.1)."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import icalendar
from icalendar import vDatetime
from icalendar.parser import Parameters

from events_microservice.models import schedule
from events_microservice.models.event import Event, Location
from events_microservice.models.event_dator import StoredEvent

# The zone whose times need no rules (RFC 5545, section 3.3.5, form 2).
_UTC = "UTC"

# RFC 5545, section 3.3.8: an integer has 32 bits.
_LAST_SEQUENCE = (1 << 31) - 1

# Other programs write to MongoDB, too; in a calendar such a character would end a line, or its
# reading (RFC 5545, section 3.1).
_LINE_BREAK = re.compile(r"\r\n?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_SPECIAL = re.compile(r"[\\;,]")

_DAY = timedelta(days=1)
_UNITS = (("H", 3600), ("M", 60), ("S", 1))


class _Written(str):
    """A value that stands in a calendar as it is: icalendar would write it in another way."""

    def __init__(self, _: str) -> None:
        self.params = Parameters()

    def to_ical(self) -> bytes:
        """Return what icalendar writes."""
        return self.encode()


class Timing(NamedTuple):
    """When an event takes place, as a calendar states it.

    `start` is a local time that exists: one that a change of the clocks skips is the one that the
    event's instant has. `zone` is None where it is in UTC, and `years` are those of local time on
    whose rules the times depend. `duration` is that of section 3.3.6, if there is one.
    """

    start: datetime
    zone: str | None
    years: frozenset[int]
    duration: str | None


def timing_of(event: Event) -> Timing:
    """Return when an event takes place."""
    starts_at, ends_at = schedule.instants(event.date, event.time, event.timezone, event.duration)
    start, zone, years = starts_at, None, frozenset[int]()
    if event.timezone != _UTC:
        rules = schedule.zone(event.timezone)
        # NOTE: at either end of the years that a datetime can have only UTC is left.
        with suppress(OverflowError):
            years = frozenset((starts_at.astimezone(rules).year, ends_at.astimezone(rules).year))
            start, zone = starts_at.astimezone(rules), event.timezone
    if event.duration is None:
        return Timing(start, zone, years, None)
    duration = _duration(start, ends_at, schedule.lengths_of(event.duration))
    return Timing(start, zone, years, duration)


def vevent(stored: StoredEvent, timing: Timing, deployment_id: str, url: str) -> bytes:
    """Return the text of the VEVENT of an event.

    `deployment_id` makes its UID one of its own, wherever calendars come together, and `url` leads
    to the event itself (section 3.8.4.6).
    """
    event = stored.resource
    component = icalendar.Event()
    component.add("uid", f"{event.id}@{deployment_id}")
    # NOTE: without METHOD, DTSTAMP is the same as LAST-MODIFIED (section 3.8.7.2).
    component.add("dtstamp", event.updated_at)
    component.add("created", event.created_at)
    component.add("last-modified", event.updated_at)
    component.add("sequence", min(stored.revision, _LAST_SEQUENCE))
    component.add("url", url)
    component.add("dtstart", _start(timing), encode=False)
    if timing.duration is not None:
        component.add("duration", _Written(timing.duration), encode=False)
    # NOTE: ORGANIZER is an address that a calendar can write to (section 3.8.4.3), so a name is
    #   a contact.
    texts = {"location": event.place, "contact": event.organizer}
    for name, value in {"summary": event.title, "description": event.description, **texts}.items():
        if value:
            component.add(name, _Written(_escaped(value)), encode=False)
    if topics := [topic for each in event.topics.split(",") if (topic := each.strip())]:
        component.add("categories", _Written(",".join(map(_escaped, topics))), encode=False)
    if event.location is not None:
        component.add("geo", _Written(_geo(event.location)), encode=False)
    text: bytes = component.to_ical()
    return text


def _start(timing: Timing) -> vDatetime:
    if timing.zone is None:
        return vDatetime(timing.start)
    # NOTE: icalendar itself would name some zones by others that are equivalent.
    local = vDatetime(timing.start.replace(tzinfo=None))
    local.params["TZID"] = timing.zone
    return local


def _duration(start: datetime, ends_at: datetime, lengths: schedule.Lengths) -> str:
    """Return a DURATION (section 3.3.6) that leads to the same end, to the second.

    Its days are days of the calendar and its hours exact, as those of an event. Where days have a
    fraction, or a change of the clocks skips the start or the end of the days, programs would come
    to different ends; then all of it is exact.
    """
    days = lengths.days // _DAY
    if days and lengths.days == days * _DAY:
        with suppress(OverflowError):
            behind_days = start + lengths.days
            instant = behind_days.astimezone(UTC)
            is_there = instant.astimezone(start.tzinfo) == behind_days
            if is_there and instant + lengths.time == ends_at:
                return f"P{days}D{_time(lengths.time) if lengths.time else ''}"
    return f"P{_time(ends_at - start.astimezone(UTC))}"


def _time(length: timedelta) -> str:
    """Return the time of a duration; a fraction of the second is rounded."""
    left_s, parts = round(length.total_seconds()), ""
    for letter, size_s in _UNITS:
        number, left_s = divmod(left_s, size_s)
        parts += f"{number}{letter}" if number else ""
    return f"T{parts or '0S'}"


def _escaped(text: str) -> str:
    """Return a TEXT (section 3.3.11), without control characters.

    What icalendar makes of a text takes a backslash in front of an N for a line break.
    """
    readable = _CONTROL.sub("", _LINE_BREAK.sub("\n", text))
    return _SPECIAL.sub(r"\\\g<0>", readable).replace("\n", "\\n")


def _geo(location: Location) -> str:
    """Return a position to a millionth of a degree, as section 3.8.1.6 advises."""
    return f"{location.latitude:.6f};{location.longitude:.6f}"
