"""Time zones as calendars state them: the rules of the years in which there are events.

A VTIMEZONE (RFC 5545, section 3.6.5) says what the clocks show from when on. The rules are those
by which `models.schedule` has found the instants of the events. Each change has a part of its own,
for not every program that reads calendars knows the lists and rules with which parts can recur.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

from events_microservice.models import schedule

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)

# Up to then every local time is a datetime, too.
_LAST = datetime.max.replace(tzinfo=UTC) - _DAY

_END = b"END:VTIMEZONE\r\n"


class TimeZone:
    """A zone, and what its clocks show in the years in which there are events."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._years: dict[int, _Year] = {}

    def cover(self, years: Iterable[int]) -> None:
        """Take in some years of local time."""
        for year in years:
            if year not in self._years:
                self._years[year] = _year(self._name, year)

    def text(self) -> bytes:
        """Return the VTIMEZONE."""
        component = Timezone()
        component.add("tzid", self._name)
        parts: list[bytes] = [component.to_ical().removesuffix(_END)]
        for number, year in sorted(self._years.items()):
            # NOTE: what counts at the beginning follows from the year before, if that is there.
            if number - 1 not in self._years:
                parts.append(year.beginning)
            parts.extend(year.changes)
        return b"".join((*parts, _END))


class _Year(NamedTuple):
    """What counts at the beginning of a year, and what changes within it, as parts of the text."""

    beginning: bytes
    changes: tuple[bytes, ...]


class _Observance(NamedTuple):
    """What the clocks show."""

    offset: timedelta
    name: str
    is_daylight: bool


@lru_cache(maxsize=1024)
def _year(name: str, year: int) -> _Year:
    zone = schedule.zone(name)
    begins = _instant(name, year)
    ends = _instant(name, year + 1) if year < _LAST.year else _LAST
    first = _observance(begins, zone)
    return _Year(_part(begins, first, first), tuple(_changes(begins, ends, zone)))


def _changes(begins: datetime, ends: datetime, zone: ZoneInfo) -> Iterator[bytes]:
    """Yield the changes between two instants; no zone has two of them within a day."""
    before = _observance(begins, zone)
    while begins < ends:
        next_ = min(begins + _DAY, ends)
        after = _observance(next_, zone)
        if after != before:
            yield _part(_onset(begins, next_, zone), before, after)
        begins, before = next_, after


def _onset(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return when what counts at `high` begins to count, which is not yet so at `low`."""
    after = _observance(high, zone)
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if _observance(middle, zone) == after:
            high = middle
        else:
            low = middle
    return high


def _observance(instant: datetime, zone: ZoneInfo) -> _Observance:
    local = instant.astimezone(zone)
    return _Observance(local.utcoffset() or timedelta(), local.tzname() or "", bool(local.dst()))


def _part(onset: datetime, before: _Observance, after: _Observance) -> bytes:
    """Return the part that says what counts from an instant on.

    That is told as a local time by what counted before, which icalendar's own VTIMEZONE gets wrong.
    """
    part = TimezoneDaylight() if after.is_daylight else TimezoneStandard()
    part.add("dtstart", onset.replace(tzinfo=None) + before.offset)
    part.add("tzoffsetfrom", before.offset)
    part.add("tzoffsetto", after.offset)
    part.add("tzname", after.name)
    text: bytes = part.to_ical()
    return text


def _instant(name: str, year: int) -> datetime:
    """Return the instant at which a year begins."""
    return schedule.instants(f"{year:04}-01-01", "00:00:00", name, None).starts_at
