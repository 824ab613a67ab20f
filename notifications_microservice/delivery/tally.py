"""The tally: what one dispatcher counts, until it is added to the figures of all of them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from datetime import timedelta

from microservice_chassis.errors import DatabaseUnavailable
from notifications_microservice.delivery.answer import Reason
from notifications_microservice.models.figures import FiguresRecord, delay_key

# How long counts wait, so that they cost next to nothing; a dispatcher that is killed loses them.
_INTERVAL_S = 1.0

_logger = logging.getLogger(__name__)


class Tally:
    """What has been counted and not been added yet."""

    def __init__(self, figures: FiguresRecord) -> None:
        self._figures = figures
        self._counted: Counter[str] = Counter()
        self._any = asyncio.Event()

    def sent(self, delay: timedelta) -> None:
        """Count one that was sent, `delay` after it could have been."""
        self._count("sent")
        self._count(delay_key(delay))

    def deferred(self) -> None:
        """Count an attempt that is made again."""
        self._count("deferred")

    def failed(self, reason: Reason) -> None:
        """Count one that has failed."""
        self._count(f"failed.{reason}")

    def missed(self, number: int) -> None:
        """Count some that had been due for too long, and say so."""
        if number:
            self._count("missed", number)
            _logger.warning("%d notifications were missed: they had been due for too long", number)

    async def work(self) -> None:
        """Add to the figures what has been counted, again and again."""
        while True:
            await self._any.wait()
            await asyncio.sleep(_INTERVAL_S)
            with suppress(DatabaseUnavailable):  # they are added later
                await self.add()

    async def add(self) -> None:
        """Add what has been counted.

        Raises:
            DatabaseUnavailable
        """
        counted, self._counted = self._counted, Counter()
        self._any.clear()
        if counted:
            try:
                await self._figures.add(counted)
            except DatabaseUnavailable:
                self._counted += counted
                self._any.set()
                raise

    def _count(self, path: str, number: int = 1) -> None:
        self._counted[path] += number
        self._any.set()
