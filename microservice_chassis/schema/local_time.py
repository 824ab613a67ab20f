"""Dates and times of day as a calendar and a clock on the wall show them.

They are those of RFC 3339, section 5.6: `full-date`, and `partial-time` without a fraction, whose
seconds may be left out. What else ISO 8601 knows is refused by its name, and never guessed at.
"""

from __future__ import annotations

import re
from datetime import date

from microservice_chassis.schema.malformed import Malformed, malformed

# The same as patterns, as JSON Schema takes them (ECMA-262): the days of the years 1 to 9999.
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
DATE_PATTERN = f"(?:{_YEAR}-{_DAY}|{_LEAP_YEAR}-02-29)"
MINUTE_PATTERN = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
SECOND_PATTERN = ":[0-5][0-9]"

# What `calendar_date` and `local_time` accept, for their `Rule`.
DATE = {"format": "date", "pattern": f"^{DATE_PATTERN}$"}
TIME = {"pattern": f"^{MINUTE_PATTERN}(?:{SECOND_PATTERN})?$"}

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")

# What is no date, or no time of day, and has a name.
_NO_DATES = (
    (re.compile(r"[0-9]{4}-?[Ww][0-9]"), "a date by its week is not accepted"),
    (re.compile(r"[0-9]{4}-?[0-9]{3}\Z"), "a date by its day of the year is not accepted"),
    (re.compile(r"[0-9]{8}\Z"), "ISO 8601's basic form is not accepted; write the hyphens"),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}."), "nothing may follow the date"),
)
_NO_TIMES = (
    (re.compile(r"[Tt]"), "a time of day begins with its hour, without a T"),
    (re.compile(r"[0-9:]+[.,]"), "a fraction is not accepted"),
    (re.compile(r"[0-9:]+[Zz+-]"), "an offset is not accepted"),
    (re.compile(r"[0-9]{2}\Z"), "the minutes are missing"),
    (re.compile(r"[0-9]{4}(?:[0-9]{2})?\Z"), "ISO 8601's basic form is not accepted; write colons"),
)


def calendar_date(value: str) -> str:
    """A date that exists, as YYYY-MM-DD.

    Raises:
        ValueError: it is none; Malformed where there is more to say.
    """
    if not _DATE.fullmatch(value):
        raise malformed(value, _NO_DATES)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise Malformed("there is no such day") from None


def local_time(value: str) -> str:
    """A time of day without offset or fraction, as HH:MM:SS.

    Raises:
        ValueError: it is none; Malformed where there is more to say.
    """
    match = _TIME.fullmatch(value)
    if not match:
        raise malformed(value, _NO_TIMES)
    hour, minute, second = match.groups("00")
    if hour > "23":
        raise Malformed("the hours are 00 to 23")
    if minute > "59":
        raise Malformed("the minutes are 00 to 59")
    if second == "60":
        raise Malformed("a leap second is not accepted; the seconds are 00 to 59")
    if second > "59":
        raise Malformed("the seconds are 00 to 59")
    return f"{hour}:{minute}:{second}"
