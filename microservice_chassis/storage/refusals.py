"""Refusals: states in which a document must not be written, whatever its revision is.

MongoDB decides it in the operation that writes; what a client is told is found out behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.collection import AsyncCollection

from microservice_chassis.errors import (
    DatabaseUnavailable,
    DomainError,
    RevisionConflict,
    StateConflict,
)
from microservice_chassis.storage.bulkhead import Bulkhead
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.revisions import Revisions


class Refusal(NamedTuple):
    """A state, as a query, and what would be right in it."""

    state: Document
    detail: str


class Refusals:
    """The states in which a kind of write refuses documents of one collection.

    Every coroutine raises DatabaseUnavailable.
    """

    def __init__(
        self,
        documents: AsyncCollection[RawBSONDocument],
        bulkhead: Bulkhead,
        refusals: Sequence[Refusal],
    ) -> None:
        self._documents = documents
        self._bulkhead = bulkhead
        self._refusals = refusals
        # The condition that a document is in none of the states.
        self.in_none: Document = {"$nor": [each.state for each in refusals]} if refusals else {}

    async def conflict(self, key: ObjectId) -> StateConflict | None:
        """Return why a document must not be written in its state, if that is so."""
        for refusal in self._refusals:
            async with self._bulkhead.operation():
                refused = await self._documents.find_one({"_id": key, **refusal.state}, {"_id": 1})
            if refused is not None:
                return StateConflict(refusal.detail)
        return None

    async def reason(self, key: ObjectId, expected: Revisions | None) -> DomainError:
        """Return why a write found its document, and did not happen.

        `expected` are the revisions that it was made for.
        """
        conflict = await self.conflict(key)
        if conflict is not None:
            return conflict
        if expected is None:
            return DatabaseUnavailable("it is there, and was not changed")
        return RevisionConflict(str(key))
