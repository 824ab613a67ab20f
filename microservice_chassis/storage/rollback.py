"""The rollback: takes back those of several resources that a request was cut off in creating.

Whoever repeats the request may finish it instead, before and after: a lease keeps the two apart,
and what is removed is removed before the lease can lapse, or not at all.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Generic, TypeVar

from microservice_chassis.errors import (
    DatabaseRefusal,
    DatabaseTooNew,
    DatabaseUnavailable,
    IntentUnderWay,
)
from microservice_chassis.schema.schema import Resource
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.intents import GRACE_S, LEASE_S

M = TypeVar("M", bound=Resource)

# How many are removed in one operation, which must end in time.
BATCH = 50

# How often a worker looks for requests that were cut off.
INTERVAL_S = 20.0

# After a start, when the leases of all workers have lapsed that ended before it.
SETTLED_S = LEASE_S + 0.5

# After how long it is tried again, where MongoDB is away.
_RETRY_S = 2.0

_logger = logging.getLogger(__name__)


class Rollback(Generic[M]):
    """Works in the background of a worker, for one collection."""

    def __init__(self, dator: Dator[M]) -> None:
        self._dator = dator
        self._prepared = False
        self._started = False
        self._refused = False

    async def work(self) -> float | None:
        """Take back what was cut off; return after how many seconds to look again.

        What a start finds has been left by those before it, and is not left to its client any more.
        """
        try:
            if not self._prepared:
                await self._prepare()
                self._prepared = True
                return SETTLED_S
            await self.run(0.0 if self._started else GRACE_S)
            self._started = True
        except DatabaseTooNew:
            return None  # the migrator says so
        except DatabaseUnavailable:
            return _RETRY_S  # a request that needs it is told so
        return INTERVAL_S

    async def close(self) -> None:
        """Leave the rest to another process, or to the next start."""

    async def run(self, within_s: float = 0.0) -> None:
        """Take back what is due, or will be soon.

        Raises:
            DatabaseUnavailable: MongoDB went away; what has been done is done.
        """
        for key in await self._dator.intents.cut_off(within_s):
            with suppress(IntentUnderWay):  # its client was quicker
                await self._take_back(key)

    async def _prepare(self) -> None:
        """Make the indexes, once MongoDB does what requests need."""
        await self._dator.check()
        try:
            await self._dator.intents.create_indexes()
        except DatabaseRefusal as refusal:
            if not self._refused:
                self._refused = True
                _logger.warning("%s: no intent can expire: %s", self._dator.name, refusal)
            raise

    async def _take_back(self, key: Document) -> None:
        intents = self._dator.intents
        intent = await intents.take(key)
        if intent is None:
            return
        removed = 0
        for start in range(0, len(intent.ids), BATCH):
            await intents.hold(intent)
            batch = intent.ids[start : start + BATCH]
            removed += await self._dator.writer.remove(batch, intent.lease.until_s)
        await intents.rolled_back(intent)
        if removed:
            _logger.warning(
                "%s: %d resources are taken back, since the POST of %d was cut off",
                self._dator.name,
                removed,
                len(intent.ids),
            )
