"""Queries: what a client may ask a collection for, declared as a model declares its members.

    class EventQuery(Query, frozen=True, kw_only=True):
        sort: Annotated[Literal["id", "-id", "title", "-title"] | None, Rule("id or title")] = None
        topic: Annotated[str | None, Rule("one topic, without a comma", topic)] = None

Each member is a parameter, and parses itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Generic, Self, TypeVar

import msgspec
from msgspec import Meta

from microservice_chassis.errors import InvalidParameter
from microservice_chassis.schema.malformed import Malformed
from microservice_chassis.schema.member import Rule, members
from microservice_chassis.schema.shown import shown

HIGHEST_LIMIT = 1000
DEFAULT_LIMIT = 100


def _limit(value: str) -> int:
    """A number of resources; zeros may stand in front."""
    # NOTE: int() takes other digits, spaces and underscores, too.
    if not re.fullmatch(r"[0-9]{1,4}", value) or not 1 <= int(value) <= HIGHEST_LIMIT:
        raise ValueError("no limit")
    return int(value)


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What every collection can be asked for: one page, and how many resources there are."""

    limit: Annotated[
        int, Meta(ge=1, le=HIGHEST_LIMIT), Rule(f"a number from 1 to {HIGHEST_LIMIT}", _limit)
    ] = DEFAULT_LIMIT
    cursor: Annotated[
        str | None, Rule("one that a Link header gave", keywords={"minLength": 1})
    ] = None
    count: Annotated[bool, Rule("true or false")] = False

    def check(self) -> None:
        """Check what the parameters must be together.

        Raises:
            InvalidParameter
        """

    @property
    def relative(self) -> bool:
        """Whether what it selects depends on when it is asked."""
        return False

    def at(self, now: datetime, timezone: str) -> Self:  # noqa: ARG002 - for those that have times
        """Return the query with the times that it means at a moment; `today` is one of a zone."""
        return self

    def selection_digest(self) -> bytes:
        """Return what tells a selection and its order from others: all but the page of it."""
        selection = msgspec.structs.replace(self, limit=DEFAULT_LIMIT, cursor=None, count=False)
        return blake2b(msgspec.json.encode(selection), digest_size=8).digest()


Q = TypeVar("Q", bound=Query)


class QueryParameters(Generic[Q]):
    """The parameters of one kind of query."""

    def __init__(self, query: type[Q]) -> None:
        self._query = query
        self.members = {member.name: member for member in members(query)}
        self.without_any = query()
        # Those that say what is selected, and not which page of it.
        self.selecting = {
            name: member
            for name, member in self.members.items()
            if name not in ("limit", "cursor", "count")
        }

    def parse(self, parameters: Mapping[str, str]) -> Q:
        """Return the query that parameters describe, all of which are known.

        Raises:
            InvalidParameter: one is malformed, or they do not go together.
        """
        if not parameters:
            return self.without_any
        values = {}
        for name, text in parameters.items():
            member = self.members[name]
            try:
                value = member.parse(text, strict=False)
                # NOTE: msgspec takes the text null for None, which would be no filter at all.
                if value is None:
                    raise ValueError("null")
                values[member.attribute] = value
            except ValueError as error:
                why = f": {error}" if isinstance(error, Malformed) else ""
                raise InvalidParameter(
                    f"The parameter {name} must be {member.rule.must_be}; it is {shown(text)}{why}."
                ) from None
        query = self._query(**values)
        query.check()
        return query
