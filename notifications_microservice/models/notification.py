"""Notification: what an e-mail reminder is, and when it is valid."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from email_validator import EmailNotValidError, validate_email
from msgspec import Meta

from microservice_chassis.schema.member import Earlier, Recorded, Rule
from microservice_chassis.schema.scalars import (
    LINE,
    TEXT,
    instant,
    instant_in_milliseconds,
    line,
    text,
)
from microservice_chassis.schema.schema import Resource

Status = Literal["pending", "sending", "sent", "failed", "missed"]


def mail_address(value: str) -> str:
    """An e-mail address by its syntax alone (RFC 5322, RFC 6531); nobody asks the DNS."""
    try:
        validate_email(value, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    return line(value)


class Notification(Resource, frozen=True, kw_only=True):
    """An e-mail reminder, in the order in which its members are answered."""

    subject: Annotated[str, Meta(min_length=10, max_length=70), Rule(f"10 to 70 {LINE}", line)]
    content: Annotated[str, Meta(min_length=30, max_length=700), Rule(f"30 to 700 {TEXT}", text)]
    to_mail: Annotated[
        str, Meta(max_length=254), Rule("an e-mail address, up to 254 characters", mail_address)
    ]
    scheduled_time: Annotated[
        datetime,
        Rule('an ISO 8601 date and time, like "2027-05-01T18:00:00Z"', instant_in_milliseconds),
        Earlier(instant),
    ]
    status: Annotated[Status, Recorded] = "pending"
    attempts: Annotated[int, Recorded] = 0
    last_error: Annotated[str | None, Recorded] = None
    sent_at: Annotated[datetime | None, Recorded] = None
    created_at: Annotated[datetime | None, Recorded] = None
    updated_at: Annotated[datetime | None, Recorded] = None
