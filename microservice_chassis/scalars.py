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


def instant(value: str) -> str:
    """An ISO 8601 date and time, as RFC 3339 in UTC with `Z`; without an offset it is UTC."""
    if not _DATE_AND_TIME.fullmatch(value):
        raise ValueError("not an ISO 8601 date and time")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 1 to 9999 in UTC") from None
    return moment.replace(tzinfo=None).isoformat() + "Z"
