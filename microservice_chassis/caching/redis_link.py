"""The link to Redis: a circuit breaker around the commands of one worker.

A Redis that fails a command is lost, for all commands: the next ones fail without asking it.
It is used again once it has proved that it does all that it is needed for; one that has answered
a question may still be read-only, full, or forbid what it will be asked next.
"""

from __future__ import annotations

import asyncio
import logging
import math
import mmap
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from microservice_chassis.errors import InvalidSetting

T = TypeVar("T")

# How long Redis may take to answer; one that needs longer is lost.
TIMEOUT_S = 0.5
# How many commands a worker has under way at once, each on a connection of its own.
_AT_ONCE = 32

# After how long a lost Redis may prove itself; each time that it is lost again before it has held
# for a while, four times as long. So one that is full, or comes and goes, does not flap.
_FIRST_REST_S = 0.25
_LONGEST_REST_S = 64.0
_HELD_S = 60.0

_logger = logging.getLogger(__name__)


class RedisLink:
    """The Redis of one worker, and whether it may be used."""

    def __init__(self, url: str, now_s: Callable[[], float] = time.monotonic) -> None:
        """`now_s` is a clock of this process, in seconds.

        Raises:
            InvalidSetting: `url` is not one of a Redis.
        """
        try:
            self.client = Redis.from_url(
                url,
                socket_timeout=TIMEOUT_S,
                socket_connect_timeout=TIMEOUT_S,
                protocol=2,
                retry=Retry(NoBackoff(), 0),
                redis_connect_func=self._on_connect,
            )
        except ValueError:
            raise InvalidSetting("CACHE_REDIS_URL cannot be used: it is none of a Redis") from None
        self.run_id: bytes | None = None
        self.lost = False
        self.losses = 0
        # Whether it has done all that it is needed for, since it was lost last.
        self.proven = False
        self._now_s = now_s
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._rest_s = _FIRST_REST_S
        self._lost_s = self._back_s = -math.inf
        self._was_lost = False  # since this worker could answer from it last
        # Whether the loss has been reported, by any worker that was forked from this process.
        self._reported = mmap.mmap(-1, 1)

    @property
    def resting(self) -> bool:
        """Whether it is too early for a lost Redis to prove itself."""
        return self.lost and self._now_s() < self._lost_s + self._rest_s

    async def attempt(self, command: Callable[[], Awaitable[T]]) -> T | None:
        """Return what Redis answers, or None when it is lost."""
        async with self._free:
            if self.lost:
                return None
            try:
                return await command()
            except RedisError as error:
                self.lose(error)
                return None

    def lose(self, error: RedisError) -> None:
        """Use Redis no more until it has proved itself."""
        self.proven = False
        if self.lost:
            return
        self.lost = self._was_lost = True
        self.losses += 1
        self._lost_s = self._now_s()
        has_held = self._lost_s > self._back_s + _HELD_S
        self._rest_s = _FIRST_REST_S if has_held else min(4 * self._rest_s, _LONGEST_REST_S)
        if not self._reported[0]:
            self._reported[0] = True
            _logger.warning("the response cache is off: Redis cannot be used (%s)", error)

    def prove(self) -> None:
        """Use Redis, which has done all that it is needed for."""
        self.proven = True
        if self.lost:
            self.lost = False
            self._back_s = self._now_s()

    def report_back(self) -> None:
        """Log that the cache is on again, if this worker had lost it and this is news."""
        if self._was_lost:
            self._was_lost = False
            if self._reported[0]:
                self._reported[0] = False
                _logger.warning("the response cache is back")

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def _on_connect(self, connection: Connection) -> None:
        """Make a connection; where Redis turns out to have been started anew, it was lost.

        It may have forgotten what changed last, or remember what was long ago.
        """
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        answered: bytes = await connection.read_response()
        run_id = answered.partition(b"run_id:")[2].partition(b"\r\n")[0]
        known, self.run_id = self.run_id, run_id
        if known not in (None, run_id) and not self.lost:
            raise RedisConnectionError("it was started anew")
