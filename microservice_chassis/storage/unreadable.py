"""Documents that cannot be read: which ones the log names, and how many there are."""

from __future__ import annotations

import logging

from bson import ObjectId

from microservice_chassis.errors import UnreadableResource
from microservice_chassis.storage.raw_bson import decode

# How many documents are named of those that are counted.
_NAMED = 20

# Of how many documents a worker remembers that it has named them.
_REMEMBERED = 1000

_logger = logging.getLogger(__name__)


class Unreadable:
    """The documents that cannot be read: how many, and what is wrong with the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.named: list[str] = []

    def add(self, raw: bytes, error: UnreadableResource) -> None:
        """Count a document, and name it if it is one of the first."""
        self.count += 1
        if self.count <= _NAMED:
            self.named.append(f"{decode(raw)['_id']} cannot be read: {error}")

    @property
    def unnamed(self) -> int:
        """How many are counted only."""
        return self.count - len(self.named)


class UnreadableLog:
    """Names documents of one collection in the log, as requests come upon them: each one once."""

    def __init__(self, collection: str) -> None:
        """`collection` is its name in paths."""
        self._collection = collection
        self._named: set[ObjectId] = set()

    def add(self, key: ObjectId, error: UnreadableResource) -> None:
        """Warn of a document, if that has not been done."""
        if key not in self._named and len(self._named) < _REMEMBERED:
            self._named.add(key)
            _logger.warning("%s/%s cannot be read: %s", self._collection, key, error)
