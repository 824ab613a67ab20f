"""Attempt: what became of one try to deliver a notification."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

# Accepted by the SMTP server; refused for now; refused for good.
Outcome = Literal["sent", "deferred", "refused"]


class Attempt(Struct, frozen=True):
    """One attempt: when it ended, how, and what the SMTP server said or what went wrong."""

    at: datetime
    outcome: Outcome
    detail: str
