"""Refusals: states in which a document must not be written, whatever its revision is.

MongoDB decides it in the operation that writes; what a client is told is found out behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from microservice_chassis.storage.client import Document


class Refusal(NamedTuple):
    """A state, as a query, and what would be right in it."""

    state: Document
    detail: str


def in_none_of(refusals: Sequence[Refusal]) -> Document:
    """Return the condition that a document is in none of some states."""
    return {"$nor": [each.state for each in refusals]} if refusals else {}
