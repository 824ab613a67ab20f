"""Notification: what an e-mail reminder is, and when it is valid."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from microservice_chassis.schema.folding import folded
from microservice_chassis.schema.member import Earlier, Recorded, Rule
from microservice_chassis.schema.scalars import (
    LINE,
    LINE_KEYWORDS,
    TEXT,
    TEXT_KEYWORDS,
    line,
    text,
)
from microservice_chassis.schema.schema import Resource
from microservice_chassis.schema.timestamp import TIMESTAMP, earlier_timestamp, timestamp
from notifications_microservice.models.attempt import Attempt
from notifications_microservice.models.mail_address import LONGEST_ADDRESS, mail_address_rule

Status = Literal["pending", "sending", "sent", "failed", "missed"]


class Notification(Resource, frozen=True, kw_only=True):
    """An e-mail reminder, in the order in which its members are answered."""

    searched_from: ClassVar[frozenset[str]] = frozenset({"to_mail"})
    indexed_from: ClassVar[frozenset[str]] = frozenset({"scheduled_time"})

    subject: Annotated[
        str, Meta(min_length=10, max_length=70), Rule(f"10 to 70 {LINE}", line, LINE_KEYWORDS)
    ]
    content: Annotated[
        str, Meta(min_length=30, max_length=700), Rule(f"30 to 700 {TEXT}", text, TEXT_KEYWORDS)
    ]
    to_mail: Annotated[str, Meta(max_length=LONGEST_ADDRESS), mail_address_rule()]
    scheduled_time: Annotated[
        datetime,
        Rule('a date and time (RFC 3339), like "2027-05-01T18:00:00Z"', timestamp, TIMESTAMP),
        Earlier(earlier_timestamp),
    ]
    status: Annotated[Status, Recorded] = "pending"
    attempts: Annotated[int, Recorded] = 0
    last_error: Annotated[str | None, Recorded] = None
    sent_at: Annotated[datetime | None, Recorded] = None
    history: Annotated[tuple[Attempt, ...], Recorded] = ()
    created_at: Annotated[datetime | None, Recorded] = None
    updated_at: Annotated[datetime | None, Recorded] = None

    example: ClassVar[Mapping[str, Any]] = {
        "subject": "Jazz in the park tonight",
        "content": "It starts at eight. Bring a blanket and something to drink.",
        "to_mail": "guest@example.com",
        "scheduled_time": "2027-06-12T12:00:00Z",
    }

    def searched(self) -> Mapping[str, Any]:
        """The address, folded."""
        return {"to_mail": folded(self.to_mail)}

    def indexed(self) -> Mapping[str, Any]:
        """Return `due_at`, when a notification is to be sent of which nothing has been tried.

        Whoever delivers decides what it is from then on.
        """
        if self.status == "pending" and not self.attempts:
            return {"due_at": self.scheduled_time}
        return {}

    def revised(self, before: Notification) -> Notification:
        """Return this notification as one that is to be sent, where it was given a new time.

        Its attempts begin anew; what became of the earlier ones stays in the history.
        """
        if self.scheduled_time == before.scheduled_time:
            return self
        return msgspec.structs.replace(self, status="pending", attempts=0, last_error=None)
