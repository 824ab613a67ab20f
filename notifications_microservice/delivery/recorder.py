"""The recorder: writes to MongoDB what became of messages, many at a time.

It goes on trying while MongoDB is away. Meanwhile only so many messages wait to be recorded, and
no other one is begun: after a crash these are what can arrive twice, beside those in flight.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

from microservice_chassis.errors import DatabaseUnavailable
from notifications_microservice.delivery.answer import Reason
from notifications_microservice.delivery.tally import Tally
from notifications_microservice.models.claim_updates import Record
from notifications_microservice.models.claims import Batch, Claimed, Claims

# As many are written at once as have come in this time, up to that number.
_GATHERING_S = 0.02
_TOGETHER = 50

# How many may wait.
_MOST_WAITING = 2 * _TOGETHER

# After how long it is tried again where MongoDB is away.
_RETRY_S = 0.5


class Outcome(NamedTuple):
    """What became of one that was claimed; without a record no attempt was made."""

    batch: Batch
    claimed: Claimed
    record: Record | None = None
    reason: Reason = ""
    delay: timedelta = timedelta(0)


class Recorder:
    """What waits to be recorded by one dispatcher."""

    def __init__(self, claims: Claims, tally: Tally, woken: asyncio.Event) -> None:
        """`woken` is set when something was given back, which is due again."""
        self._claims = claims
        self._woken = woken
        self._tally = tally
        self._waiting: asyncio.Queue[Outcome] = asyncio.Queue(_MOST_WAITING)
        self._enough = asyncio.Event()

    async def add(self, outcome: Outcome) -> None:
        """Have an outcome recorded soon; wait while too many wait."""
        await self._waiting.put(outcome)
        if self._waiting.qsize() >= _TOGETHER:
            self._enough.set()

    async def work(self) -> None:
        """Record what there is, again and again."""
        while True:
            outcomes = [await self._waiting.get()]
            with suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), _GATHERING_S)
            self._enough.clear()
            while len(outcomes) < _TOGETHER and not self._waiting.empty():
                outcomes.append(self._waiting.get_nowait())
            await self._record(outcomes)
            for _ in outcomes:
                self._waiting.task_done()

    async def until_all_are_recorded(self) -> None:
        """Return when nothing waits."""
        await self._waiting.join()

    async def _record(self, outcomes: Sequence[Outcome]) -> None:
        """Record the outcomes of each batch, and count them.

        One that another dispatcher has taken over meanwhile was an attempt all the same.
        """
        batches: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            batches[outcome.batch.claim].append(outcome)
        for claim, of_batch in batches.items():
            untried = [each.claimed.key for each in of_batch if each.record is None]
            records = [each.record for each in of_batch if each.record is not None]
            while True:
                try:
                    if await self._claims.release(claim, untried):
                        self._woken.set()
                    await self._claims.record(claim, records)
                    break
                except DatabaseUnavailable:
                    await asyncio.sleep(_RETRY_S)
            for each in of_batch:
                if each.record is not None:
                    self._count(each.record, each)

    def _count(self, record: Record, outcome: Outcome) -> None:
        match record.status:
            case "sent":
                self._tally.sent(outcome.delay)
            case "failed":
                self._tally.failed(outcome.reason)
            case _:
                self._tally.deferred()
