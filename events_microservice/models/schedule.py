"""When an event takes place: its local schedule, and the instants that follow from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from errno import EMFILE, ENFILE
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from microservice_chassis.schema.malformed import Malformed, malformed

LONGEST_DURATION = timedelta(days=31)

_FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)
_LAST_INSTANT = datetime.max.replace(microsecond=0, tzinfo=UTC)

_WHOLE = "[0-9]{1,7}"
_NUMBER = rf"{_WHOLE}(?:[.,][0-9]{{1,6}})?"
# What `duration` accepts, for its `Rule`: which numbers there are, and which may have a fraction.
# NOTE: that all of them together are at most LONGEST_DURATION, no pattern can say.
DURATION = {
    "pattern": (
        rf"^P(?:{_NUMBER}W|{_NUMBER}D|(?:{_WHOLE}D)?T(?:{_NUMBER}H|{_NUMBER}M|{_NUMBER}S"
        rf"|{_WHOLE}H{_NUMBER}M|{_WHOLE}H{_NUMBER}S|{_WHOLE}M{_NUMBER}S"
        rf"|{_WHOLE}H{_WHOLE}M{_NUMBER}S))$"
    )
}
# ISO 8601-1:2019, 5.5.2: weeks alone, or days and a time; only the last number may have a fraction.
_DURATION = re.compile(
    rf"P(?!$)(?:({_NUMBER})W|(?:({_NUMBER})D)?"
    rf"(?:T(?=[0-9])(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?)"
)
_FRACTION_BEFORE_ANOTHER_NUMBER = re.compile(r"[.,][0-9]+[A-Z]T?[0-9]")
# What is no duration here, and has a name.
_NO_DURATIONS = (
    (re.compile(r"-P"), "a negative duration is not accepted"),
    (re.compile(r"P[0-9]+(?:[YM]|[.,][0-9]+[YM]|-)"), "years and months have no fixed length"),
    (re.compile(r"P[0-9.,]+W."), "nothing may follow the weeks"),
    (re.compile(r"(?=.*[a-z])(?i:P[T0-9][0-9.,WDHMST]*\Z)"), "its letters are capitals"),
    (re.compile(r"P[^.,]*[.,][0-9]{7}"), "a fraction has up to 6 digits"),
)


@cache
def _timezones() -> frozenset[str]:
    """The zones of the tzdata package, to which ZoneInfo turns for what a machine has not."""
    names = files("tzdata").joinpath("zones").read_text().split()
    # NOTE: "Factory" is what a machine is in that nobody has told where it is.
    return frozenset(names) - {"Factory"}


def timezone(value: str) -> str:
    """A name in the IANA Time Zone Database that means the same on every machine."""
    if value not in _timezones():
        raise Malformed("not an IANA time zone that every machine has")
    return value


def timezone_keywords() -> Mapping[str, Any]:
    """Return what `timezone` accepts, for its `Rule`."""
    return {"enum": sorted(_timezones())}


class Lengths(NamedTuple):
    """The two parts of a duration: whole days of the calendar, and time as a clock measures it."""

    days: timedelta
    time: timedelta


@lru_cache(maxsize=4096)
def lengths_of(value: str) -> Lengths:
    """Return the two parts of a duration.

    Raises:
        ValueError: it is none; Malformed where there is more to say.
    """
    match = _DURATION.fullmatch(value)
    if not match:
        raise malformed(value, _NO_DURATIONS)
    if _FRACTION_BEFORE_ANOTHER_NUMBER.search(value):
        raise Malformed("only its last number may have a fraction")
    numbers = (float((number or "0").replace(",", ".")) for number in match.groups())
    weeks, days, hours, minutes, seconds = numbers
    return Lengths(
        timedelta(weeks=weeks, days=days), timedelta(hours=hours, minutes=minutes, seconds=seconds)
    )


def duration(value: str) -> str:
    """An ISO 8601 duration in weeks, or in days, hours, minutes and seconds, 31 days at most.

    Years and months have no fixed length and are refused.
    """
    lengths = lengths_of(value)
    if lengths.days + lengths.time > LONGEST_DURATION:
        raise Malformed("it is longer than 31 days")
    return value


class Instants(NamedTuple):
    """When an event starts and ends, in UTC."""

    starts_at: datetime
    ends_at: datetime


@lru_cache(maxsize=4096)
def instants(date_: str, time_: str, timezone_: str, duration_: str | None) -> Instants:
    """Return the instants of a local schedule, all parts in their canonical form.

    RFC 5545, sections 3.3.5 and 3.3.6, decides the unclear cases:
    a local time that occurs twice is the first of the two,
    one that a change of the clocks skips is read with the offset before the change,
    days of a duration are days of the calendar, and its hours are exact.
    An instant that RFC 3339 cannot write (before year 1 or after 9999 in UTC)
    is answered as the nearest one that it can.

    Raises:
        ValueError: a part is not valid, which happens only to documents
            that were not written by this version.
    """
    local = datetime.fromisoformat(f"{date_}T{time_}").replace(tzinfo=zone(timezone_))
    starts_at = _utc(local)
    if duration_ is None:
        return Instants(starts_at, starts_at)
    lengths = lengths_of(duration_)
    try:
        ends_at = _utc(local + lengths.days) + lengths.time
    except OverflowError:
        ends_at = _LAST_INSTANT
    # NOTE: a part of a day, added to a local time that is skipped, can lead to one behind the
    #   change of the clocks that is the earlier instant.
    return Instants(starts_at, max(starts_at, ends_at))


def local_date(moment: datetime, timezone_: str) -> str:
    """Return the date on which a moment is in a zone, up to the last that there is."""
    try:
        return moment.astimezone(zone(timezone_)).date().isoformat()
    except OverflowError:
        return (datetime.max if moment.year > 1 else datetime.min).date().isoformat()


@cache
def zone(name: str) -> ZoneInfo:
    """Return the rules of a time zone.

    Raises:
        ValueError: this machine does not know it.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        # NOTE: where a process can open no file more, that is not the zone's fault: a resource
        #   that has it would be told to be unreadable, and lists would leave it out.
        if isinstance(error, OSError) and error.errno in (EMFILE, ENFILE):
            raise
        raise ValueError("not a time zone of this machine") from None


def _utc(local: datetime) -> datetime:
    try:
        return local.astimezone(UTC)
    except OverflowError:
        return _FIRST_INSTANT if local.year == 1 else _LAST_INSTANT
