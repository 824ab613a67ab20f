"""The lease on an epoch: for how long a worker may answer from Redis.

    epoch       a token that is part of every stamp
    lease       the run id of Redis, for as long as the epoch counts

A worker is sure for a while that every write changes its stamps in Redis if it has found no note
of `UnstampedWrites`; then it prolongs the lease. Without a lease somebody may have written unseen;
so the next one makes a new epoch, in which no entry from before counts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable

from microservice_chassis.caching.redis_link import RedisLink
from microservice_chassis.caching.redis_stamps import new_token
from microservice_chassis.storage.unstamped_writes import LEASE_S, NOTE_S, UnstampedWrites

# For how long the epoch counts after a look that found no note: less than a note holds,
# so that one that was written right behind the look is seen before the lease ends.
_LEASE_S = NOTE_S - 1.0


class EpochLease:
    """The lease, as one worker sees it."""

    def __init__(
        self,
        link: RedisLink,
        unstamped: UnstampedWrites,
        try_out: Callable[[], Awaitable[None]],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`try_out` has Redis do all that it is needed for, and raises RedisError where it cannot.

        `now_s` is a clock of this process, in seconds.
        """
        self._link = link
        self._unstamped = unstamped
        self._try_out = try_out
        self._now_s = now_s
        self._sure_s = -math.inf  # when the last look began that found no note
        # How often Redis had been lost when this worker was sure last, and whether a note was
        # found since: then somebody may have written unseen in the epoch.
        self._losses = 0
        self._noted = False

    @property
    def sure(self) -> bool:
        """Whether every write changes its stamps in Redis."""
        return self._losses == self._link.losses and self._now_s() <= self._sure_s + LEASE_S

    async def make_sure(self, prefix: str) -> None:
        """Be sure for a while, if every write changes its stamps in Redis.

        Raises:
            RedisError: it is lost.
            DatabaseUnavailable: nobody can say.
        """
        client, losses = self._link.client, self._link.losses
        epoch, lease = f"{prefix}epoch", f"{prefix}lease"
        began_s = self._now_s()
        seconds, microseconds = await client.time()
        lease_ends_ms = seconds * 1000 + microseconds // 1000 + int(_LEASE_S * 1000)
        announced = await self._unstamped.announced()
        if announced:
            self._sure_s = -math.inf
            self._noted = True
            await client.delete(lease)
        known, run_id = await client.mget(epoch, lease)
        if not self._link.proven:
            await self._try_out()
            self._link.prove()
        if announced:
            return
        # NOTE: a lease is prolonged, and never made again without a new epoch: somebody may have
        #   ended it meanwhile, because of a note that this worker has not seen yet.
        in_doubt = self._noted or self._losses != losses
        if in_doubt or known is None or run_id != self._link.run_id:
            async with client.pipeline(transaction=True) as together:
                together.set(epoch, new_token())
                together.set(lease, self._link.run_id or b"", pxat=lease_ends_ms)
                await together.execute()
        else:
            await client.pexpireat(lease, lease_ends_ms)
        self._noted = False
        self._losses = losses
        self._sure_s = began_s
        if self.sure:
            self._link.report_back()
