"""Timestamps: the date and time of RFC 3339, and near kin of it that can mean one instant only."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from microservice_chassis.schema.local_time import (
    DATE_PATTERN,
    MINUTE_PATTERN,
    SECOND_PATTERN,
    calendar_date,
    local_time,
)
from microservice_chassis.schema.malformed import Malformed

# The parts, each of which is looked at by itself.
_PARTS = re.compile(r"([^Tt ]*)[Tt ]([0-9:]*)(?:([.,])([0-9]*))?(.*)", re.DOTALL)

# A fraction may be of nanoseconds; a BSON date keeps milliseconds.
_MOST_DIGITS = 9
_KEPT_DIGITS = 3

# As JSON Schema takes it (ECMA-262).
# NOTE: no `format: date-time`, which would refuse the near kin, and allow a leap second.
TIMESTAMP_PATTERN = (
    rf"{DATE_PATTERN}[Tt ]{MINUTE_PATTERN}(?:{SECOND_PATTERN}(?:\.[0-9]{{1,{_MOST_DIGITS}}})?)?"
    rf"(?:[Zz]|[+-]{MINUTE_PATTERN})?"
)

# What `timestamp` accepts, for its `Rule`.
TIMESTAMP = {"pattern": f"^{TIMESTAMP_PATTERN}$"}

_OFFSET = re.compile(r"([+-])([0-9]{2}):([0-9]{2})")

# NOTE: datetime.fromisoformat() takes any character between date and time, and drops
#   digits behind the sixth of a fraction; neither is an ISO 8601 time kept as sent.
_EARLIER = re.compile(
    r"[0-9W-]{7,10}[T ][0-9:]{2,8}([.,][0-9]{1,6})?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
)


def timestamp(value: str) -> datetime:
    """A timestamp, in UTC and cut to the millisecond of a BSON date; without an offset it is UTC.

    RFC 3339, section 5.6, with a space or `t` for `T`, `z` for `Z`, and seconds that may be left
    out. A leap second is refused: neither `datetime` nor BSON can keep one.

    Raises:
        ValueError: it is none; Malformed where there is more to say.
    """
    parts = _PARTS.fullmatch(value)
    if not parts:
        day = calendar_date(value[:10])
        missing = "a T between date and time" if len(value) > len(day) else "the time of day"
        raise Malformed(f"{missing} is missing")
    date, time, mark, digits, offset = parts.groups()
    local = datetime.fromisoformat(f"{calendar_date(date)}T{_time(time, mark, digits)}")
    try:
        return local.replace(tzinfo=_zone(offset)).astimezone(UTC)
    except OverflowError:
        raise Malformed("it is outside of the years 1 to 9999 in UTC") from None


def _time(time: str, mark: str | None, digits: str) -> str:
    """Return a time of day with the milliseconds of its fraction."""
    if mark is None:
        return local_time(time)
    if time.count(":") < 2:
        raise Malformed("only the seconds may have a fraction")
    if mark == ",":
        raise Malformed("a fraction begins with a point, not with a comma")
    if not 1 <= len(digits) <= _MOST_DIGITS:
        raise Malformed(f"a fraction has 1 to {_MOST_DIGITS} digits")
    return f"{local_time(time)}.{digits[:_KEPT_DIGITS]:0<{_KEPT_DIGITS}}"


def _zone(offset: str) -> timezone:
    if offset in ("", "Z", "z"):
        return UTC
    match = _OFFSET.fullmatch(offset)
    if not match:
        if offset[0] in "+-":
            raise Malformed("an offset is written like +02:00")
        raise ValueError("of another form")
    sign, hours, minutes = match.groups()
    if hours > "23" or minutes > "59":
        raise Malformed("an offset is up to 23:59")
    length = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(length if sign == "+" else -length)


def earlier_timestamp(value: str) -> datetime:
    """A timestamp as earlier versions accepted and kept it: any date and time of ISO 8601.

    Raises:
        ValueError: it is none.
    """
    if not _EARLIER.fullmatch(value):
        raise ValueError("not an ISO 8601 date and time")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 1 to 9999 in UTC") from None
