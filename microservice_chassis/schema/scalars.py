"""The rules of single values that both services use.

Each rule takes a string from outside and returns its canonical form,
or raises ValueError if it is none.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

# What `text` and `line` are, for the `Rule` that a client reads.
TEXT = "characters, no control characters but tab and newline"
LINE = "characters, no control characters"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_TAB_AND_NEWLINE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# NOTE: datetime.fromisoformat() takes any character between date and time, and drops
#   digits behind the sixth of a fraction; neither is an ISO 8601 time kept as sent.
_DATE_AND_TIME = re.compile(
    r"[0-9W-]{7,10}[T ][0-9:]{2,8}([.,][0-9]{1,6})?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
)


def text(value: str) -> str:
    """Text of any characters but control characters; tab and newline are allowed."""
    if _CONTROL_BUT_TAB_AND_NEWLINE.search(value):
        raise ValueError("control character")
    return value


def line(value: str) -> str:
    """One line of text: no control character at all, so that no mail header can be injected."""
    if _CONTROL.search(value):
        raise ValueError("control character")
    return value


def instant(value: str) -> datetime:
    """An ISO 8601 date and time, in UTC; without an offset it is UTC."""
    if not _DATE_AND_TIME.fullmatch(value):
        raise ValueError("not an ISO 8601 date and time")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 1 to 9999 in UTC") from None


def instant_in_milliseconds(value: str) -> datetime:
    """The same, as exact as a BSON date keeps it."""
    return in_milliseconds(instant(value))


def in_milliseconds(moment: datetime) -> datetime:
    """Return a time cut to the milliseconds of a BSON date: what is answered is what is kept."""
    beyond = moment.microsecond % 1000
    return moment.replace(microsecond=moment.microsecond - beyond) if beyond else moment
