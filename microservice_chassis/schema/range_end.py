"""One end of a range of time, as a client names it: a date, an instant, `now` or `today`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from microservice_chassis.schema.local_time import DATE_PATTERN, calendar_date
from microservice_chassis.schema.malformed import Malformed
from microservice_chassis.schema.timestamp import TIMESTAMP_PATTERN, timestamp

MUST_BE = (
    'a date like "2027-05-01", a date and time (RFC 3339) like "2027-05-01T18:00:00Z", now or today'
)

# What `range_end` accepts, for its `Rule`.
RANGE_END = {"pattern": f"^(?:now|today|{DATE_PATTERN}|{TIMESTAMP_PATTERN})$"}


class RangeEnd(msgspec.Struct, frozen=True):
    """A day of the calendar, or an instant in UTC, or what is one of them when it is asked."""

    day: date | None = None
    instant: datetime | None = None
    relative: Literal["now", "today"] | None = None

    def is_behind(self, other: RangeEnd) -> bool:
        """Whether it is later than another of its kind; of two kinds that is not known."""
        if self.day is not None and other.day is not None:
            return self.day > other.day
        if self.instant is not None and other.instant is not None:
            return self.instant > other.instant
        return False

    def at(self, now: datetime, timezone: str) -> RangeEnd:
        """Return the day or instant that this means at a moment, `today` being one of a zone."""
        if self.relative == "now":
            return RangeEnd(instant=now)
        if self.relative == "today":
            return RangeEnd(day=now.astimezone(ZoneInfo(timezone)).date())
        return self


def range_end(value: str) -> RangeEnd:
    """One end of a range of time.

    Raises:
        ValueError: it is none; Malformed where there is more to say.
    """
    if value in ("now", "today"):
        return RangeEnd(relative="now" if value == "now" else "today")
    if len(value) <= len("YYYY-MM-DD"):
        return RangeEnd(day=date.fromisoformat(calendar_date(value)))
    return RangeEnd(instant=instant(value))


def instant(value: str) -> datetime:
    """An instant, as a timestamp in a query.

    Raises:
        ValueError: as `timestamp`.
    """
    try:
        return timestamp(value)
    except ValueError:
        # NOTE: in a query a plus stands for a space.
        if " " in value[len("YYYY-MM-DDTHH:MM") :]:
            raise Malformed("the + of an offset is written %2B in a query") from None
        raise
