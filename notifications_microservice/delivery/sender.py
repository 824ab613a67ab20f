"""A sender: takes what is claimed, one after the other, and hands it in over one connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from notifications_microservice.delivery.answer import Answer
from notifications_microservice.delivery.availability import Availability
from notifications_microservice.delivery.connection import (
    MESSAGE_TIMEOUT_S,
    Connection,
    LeaseOver,
    ServerUnavailable,
)
from notifications_microservice.delivery.message import Unsendable, render
from notifications_microservice.delivery.recorder import Outcome, Recorder
from notifications_microservice.delivery.retry import again_s
from notifications_microservice.models.claim_updates import LEASE_S, Record
from notifications_microservice.models.claims import Batch, Claimed, boot_time_s
from notifications_microservice.models.notification import Notification

# For how long a connection is kept that nobody uses.
_IDLE_S = 20.0

# A message that is begun has to be over before the lease is, with a moment to record it.
_LEAST_LEASE_S = MESSAGE_TIMEOUT_S + 5.0

_logger = logging.getLogger(__name__)


class Work(NamedTuple):
    """One that is claimed, and the batch that it was claimed in."""

    batch: Batch
    claimed: Claimed


class Sender:
    """Sends over one connection what it finds in a queue, and has the outcome recorded."""

    def __init__(
        self,
        connection: Connection,
        sender: str,
        missed_after_s: int,
        availability: Availability,
        recorder: Recorder,
        now_s: Callable[[], float] = boot_time_s,
    ) -> None:
        """`sender` is an address; `now_s` is the clock by which the batches began."""
        self._connection = connection
        self._sender = sender
        self._domain = sender.rpartition("@")[2]
        self._missed_after_s = missed_after_s
        self._availability = availability
        self._recorder = recorder
        self._now_s = now_s

    async def work(self, queue: asyncio.Queue[Work]) -> None:
        """Send what is in the queue, again and again."""
        while True:
            work = await self._next(queue)
            await self._recorder.add(await self._outcome(work.batch, work.claimed))
            queue.task_done()

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    async def _next(self, queue: asyncio.Queue[Work]) -> Work:
        if queue.empty() and self._connection.is_open:
            with suppress(TimeoutError):
                return await asyncio.wait_for(queue.get(), _IDLE_S)
            await self._connection.close()
        return await queue.get()

    async def _outcome(self, batch: Batch, claimed: Claimed) -> Outcome:
        """Send one, if the server can be used, and return what became of it."""
        if claimed.notification is None:
            answer = Answer("refused", f"it cannot be read: {claimed.unreadable}", "unreadable")
            return self._judged(batch, claimed, answer)
        if self._availability.lost:
            return Outcome(batch, claimed)
        message_id = f"{claimed.key}.{claimed.edition}@{self._domain}"
        try:
            message = render(claimed.notification, self._sender, message_id, batch.began_at)
            answer = await self._connection.send(message, lambda: self._may_begin(batch))
        except Unsendable as error:
            answer = Answer("refused", str(error), "recipient")
        except ServerUnavailable as error:
            self._availability.lose(error)
            return Outcome(batch, claimed)
        except LeaseOver:
            return Outcome(batch, claimed)
        return self._judged(batch, claimed, answer)

    def _judged(self, batch: Batch, claimed: Claimed, answer: Answer) -> Outcome:
        """Return what becomes of one after an attempt."""
        outcome, detail, reason = answer
        now = self._now(batch)
        if outcome == "sent":
            record = Record(claimed.key, outcome, detail, "sent")
            return Outcome(batch, claimed, record, delay=now - claimed.due_at)
        again = None
        if outcome == "deferred" and claimed.notification is not None:
            again = self._again_s(claimed.notification, now)
            reason = "retries"
        if again is not None:
            record = Record(claimed.key, outcome, detail, "pending", again)
        else:
            record = Record(claimed.key, outcome, detail, "failed")
            _logger.warning("notifications/%s has failed: %s", claimed.key, detail)
        return Outcome(batch, claimed, record, reason)

    def _again_s(self, notification: Notification, now: datetime) -> float | None:
        return again_s(
            notification.attempts + 1, now, notification.scheduled_time, self._missed_after_s
        )

    def _may_begin(self, batch: Batch) -> bool:
        """Whether a message is over before the lease is."""
        return self._now_s() < batch.began_s + LEASE_S - _LEAST_LEASE_S

    def _now(self, batch: Batch) -> datetime:
        """Return the time, by MongoDB's clock when the batch began."""
        return batch.began_at + timedelta(seconds=self._now_s() - batch.began_s)
