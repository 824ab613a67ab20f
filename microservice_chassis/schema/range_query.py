"""RangeQuery: what a client may ask for where resources have a time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

import msgspec
from msgspec import field

from microservice_chassis.errors import InvalidParameter
from microservice_chassis.schema.member import Rule
from microservice_chassis.schema.query import Query
from microservice_chassis.schema.range_end import (
    MUST_BE,
    RANGE_END,
    RangeEnd,
    instant,
    range_end,
)
from microservice_chassis.schema.timestamp import TIMESTAMP


class RangeQuery(Query, frozen=True, kw_only=True):
    """A query with a range of time, both of whose ends are part of it, and changes since."""

    from_: Annotated[RangeEnd | None, Rule(MUST_BE, range_end, RANGE_END)] = field(
        default=None, name="from"
    )
    to: Annotated[RangeEnd | None, Rule(MUST_BE, range_end, RANGE_END)] = None
    updated_since: Annotated[
        datetime | None,
        Rule('a date and time (RFC 3339), like "2027-05-01T18:00:00Z"', instant, TIMESTAMP),
    ] = None

    def check(self) -> None:
        """Check what the parameters must be together.

        Raises:
            InvalidParameter
        """
        if self.from_ is not None and self.to is not None and self.from_.is_behind(self.to):
            raise InvalidParameter("The parameter from must not be later than the parameter to.")

    @property
    def ranged(self) -> bool:
        """Whether there is an end of a range."""
        return self.from_ is not None or self.to is not None

    @property
    def relative(self) -> bool:
        """Whether what it selects depends on when it is asked."""
        return any(end is not None and end.relative for end in (self.from_, self.to))

    def at(self, now: datetime, timezone: str) -> Self:
        """Return the query with the times that it means at a moment; `today` is one of a zone."""
        if not self.relative:
            return self
        from_, to = (end and end.at(now, timezone) for end in (self.from_, self.to))
        return msgspec.structs.replace(self, from_=from_, to=to)
