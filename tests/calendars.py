"""Calendars as a program reads them that has nothing of icalendar: vobject, which uses dateutil."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import vobject

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")

# RFC 5545, section 3.1.
LONGEST_LINE_OCTETS = 75


def lines(text: bytes) -> list[str]:
    """The content lines of a calendar, unfolded; each of them must be well-formed."""
    folded = text.split(b"\r\n")
    assert folded.pop() == b""
    for line in folded:
        assert 0 < len(line) <= LONGEST_LINE_OCTETS
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line)
        line.decode()  # no character is cut in two
    unfolded = text.replace(b"\r\n ", b"").decode().split("\r\n")[:-1]
    assert all(re.match(r"[A-Z0-9-]+[;:]", line) for line in unfolded)
    return unfolded


def read(text: bytes) -> Any:
    """A calendar that has been found valid."""
    for name in re.findall(r"^TZID:(.+)$", "\n".join(lines(text)), flags=re.M):
        # NOTE: vobject goes on with the zones of the calendars that it has read before.
        vobject.icalendar.registerTzid(name, None)
    calendar = vobject.readOne(text.decode())
    assert calendar.validate(raiseException=True)
    return calendar


def events(text: bytes) -> list[Any]:
    """The events of a calendar that has been found valid."""
    return list(read(text).contents.get("vevent", []))


def starts_at(event: Any) -> datetime:
    """The instant at which an event starts, by the rules of the zone in its calendar."""
    start: datetime = event.dtstart.value
    return start.astimezone(UTC)


def ends(text: bytes) -> list[datetime]:
    """The instants at which the events of a calendar end.

    Days are those of its zone's calendar, and what is behind them is exact (section 3.3.6).
    """
    _, *parts = "\n".join(lines(text)).split("BEGIN:VEVENT")
    return [
        _behind(event.dtstart.value, re.search(r"^DURATION:(.*)$", part, flags=re.M))
        for event, part in zip(events(text), parts, strict=True)
    ]


def _behind(start: datetime, duration: re.Match[str] | None) -> datetime:
    if duration is None:
        return start.astimezone(UTC)
    match = _DURATION.fullmatch(duration[1])
    assert match
    days, hours, minutes, seconds = (int(number or 0) for number in match.groups())
    exact = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return (start + timedelta(days=days)).astimezone(UTC) + exact
