"""The dispatcher: finds what is due, claims it, and hands it out to senders.

dispatcher ── queue ─┬─ sender ─┬─ recorder ── MongoDB
                     ├─ sender ─┤
                     └─ ...    ─┘

It sleeps until the next notification is due, or until it hears that one was written which is due
earlier; it looks by itself after LONGEST_SLEEP_S, in case that it was not told.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from bson import ObjectId

from microservice_chassis.errors import DatabaseUnavailable
from notifications_microservice.delivery.availability import Availability
from notifications_microservice.delivery.cancellation import cancel
from notifications_microservice.delivery.connection import Connection, ServerUnavailable
from notifications_microservice.delivery.recorder import Outcome, Recorder
from notifications_microservice.delivery.sender import Sender, Work
from notifications_microservice.delivery.slot import Slot
from notifications_microservice.delivery.tally import Tally
from notifications_microservice.models.claims import Claims
from notifications_microservice.models.hints import LONGEST_SLEEP_S, Hints

# How many are claimed at once: a few seconds of work, as fast as the last ones were handed out.
_MOST = 200
_WORK_S = 2.0

# How many wait for a sender; when there are fewer, the next ones are claimed, so that no sender
# waits for MongoDB meanwhile.
_QUEUED = 100

# After how long it is tried again where MongoDB is away.
_RETRY_S = 0.5

# How long what is in flight may take when the dispatcher ends.
_STOP_S = 4.0


class Dispatcher:
    """One dispatcher; several share the work by their claims."""

    def __init__(
        self,
        claims: Claims,
        hints: Hints,
        slot: Slot,
        senders: Sequence[Sender],
        recorder: Recorder,
        tally: Tally,
        availability: Availability,
        probe: Connection,
        missed_after_s: int,
        woken: asyncio.Event,
    ) -> None:
        """`probe` is the connection by which it looks whether a lost server is back.

        `woken` is set by whoever has something for it to look at.
        """
        self._claims = claims
        self._hints = hints
        self._owner = slot.owner
        self._senders = senders
        self._recorder = recorder
        self._tally = tally
        self._availability = availability
        self._probe = probe
        self._missed_after_s = missed_after_s
        self._queue: asyncio.Queue[Work] = asyncio.Queue(_QUEUED)
        self._unqueued: deque[Work] = deque()
        self._woken = woken
        self._limit = _MOST
        # Claims of which nobody knows whether they were made, and all of a predecessor.
        self._in_doubt = [f"{slot.predecessor}."] if slot.predecessor else []

    def wake(self) -> None:
        """Look at once for what is due."""
        self._woken.set()

    async def run(self, stop: asyncio.Event, hurry: asyncio.Event) -> None:
        """Deliver until it is to stop, and then finish what is in flight unless it is to hurry.

        Raises:
            ExceptionGroup: a part has failed, so nothing would be delivered any more.
        """
        async with asyncio.TaskGroup() as tasks:
            dispatching = tasks.create_task(self._dispatch())
            others = [
                tasks.create_task(work)
                for work in (
                    self._hints.take(self.wake),
                    self._recorder.work(),
                    self._tally.work(),
                    *(sender.work(self._queue) for sender in self._senders),
                )
            ]
            await stop.wait()
            await cancel([dispatching])
            finishing = tasks.create_task(self._finish())
            hurried = tasks.create_task(hurry.wait())
            await asyncio.wait(
                {finishing, hurried}, timeout=_STOP_S, return_when=asyncio.FIRST_COMPLETED
            )
            await cancel([finishing, hurried, *others])

    async def _dispatch(self) -> None:
        """Hand out what is due, again and again."""
        while True:
            try:
                await self._claims.prepare()
                while True:
                    await self._settle_doubts()
                    await self._until_the_server_is_usable()
                    await self._look()
            except DatabaseUnavailable:
                await asyncio.sleep(_RETRY_S)

    async def _look(self) -> None:
        """Hand out what is due now, or sleep where nothing is."""
        # NOTE: who wakes it while it looks has written something that it may not have seen.
        self._woken.clear()
        due, next_s = await self._claims.waiting(self._limit)
        if due:
            await self._hand_out(due)
            return
        sleep_s = LONGEST_SLEEP_S if next_s is None else min(next_s, LONGEST_SLEEP_S)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), sleep_s)

    async def _hand_out(self, due: dict[ObjectId, datetime]) -> None:
        claim = f"{self._owner}.{secrets.token_hex(8)}"
        self._in_doubt.append(claim)
        batch = await self._claims.claim(due, claim, self._missed_after_s)
        self._in_doubt.remove(claim)
        self._tally.missed(batch.missed)
        if len(due) == _MOST:
            await self._hints.give()  # there may be work for others
        self._unqueued.extend(Work(batch, claimed) for claimed in batch.claimed)
        now_s = asyncio.get_running_loop().time
        began_s = now_s()
        while self._unqueued:
            await self._queue.put(self._unqueued[0])
            self._unqueued.popleft()
        rate = len(batch.claimed) / max(now_s() - began_s, 0.001)
        self._limit = max(len(self._senders), min(int(rate * _WORK_S), _MOST))

    async def _settle_doubts(self) -> None:
        """Give back what was claimed by somebody who does not know it, or is no more."""
        while self._in_doubt:
            await self._claims.release_all(self._in_doubt[0])
            self._in_doubt.pop(0)

    async def _until_the_server_is_usable(self) -> None:
        while self._availability.lost:
            await asyncio.sleep(self._availability.next_pause_s())
            try:
                await self._probe.check()
            except ServerUnavailable as error:
                self._availability.lose(error)
            else:
                await self._probe.close()
                self._availability.come_back()

    async def _finish(self) -> None:
        """Let messages end that have begun, give the others back, and record all of that."""
        self._availability.close()
        while self._unqueued:
            batch, claimed = self._unqueued.popleft()
            await self._recorder.add(Outcome(batch, claimed))
        await self._queue.join()
        await self._recorder.until_all_are_recorded()
        with suppress(DatabaseUnavailable):
            await self._settle_doubts()
            await self._tally.add()
        await asyncio.gather(*(sender.close() for sender in self._senders))
