"""The response cache of several containers: entries and stamps in one Redis.

    entry <key>         the stamp under which it was computed, a line feed, the answer
    stamp <name>        a token that every write changes; with `!` while one is under way
    writers <name>      those writes, by the time that they began
    epoch               a token that is part of every stamp

A worker answers from Redis only while it is sure that every write changes its stamps in there:
it asks about `UnstampedWrites` all the time, and when it could not be sure for a while,
it makes a new epoch, in which no entry from before counts, and then goes on.
"""

from __future__ import annotations

import asyncio
import logging
import math
import mmap
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
from pymongo.errors import PyMongoError
from redis.asyncio import Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from microservice_chassis.redis_entries import RedisEntries
from microservice_chassis.settings import InvalidSetting
from microservice_chassis.stamps import LONGEST_CHANGE_MS
from microservice_chassis.store import NOTHING, Entry, Found
from microservice_chassis.unstamped_writes import LEASE_S, NOTE_S, UnstampedWrites

T = TypeVar("T")

# How long Redis may take to answer; one that needs longer is lost.
_TIMEOUT_S = 0.5
# How often a worker makes sure; several times within a lease.
_INTERVAL_S = 0.25
# How many commands a worker has under way at once, each on a connection of its own.
_AT_ONCE = 32

_CHANGING = b"!"

# Both take the keys of stamps and of writers in turn; a token, how long a write may take (ms),
# and how long a stamp is kept (ms).
_BEGIN = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 1, #KEYS, 2 do
  redis.call('SET', KEYS[i], ARGV[1] .. '!', 'PX', ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[i + 1], '-inf', now - ARGV[2])
  redis.call('ZADD', KEYS[i + 1], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[i + 1], ARGV[2])
end
return 1
"""
_END = """
for i = 1, #KEYS, 2 do
  redis.call('ZREM', KEYS[i + 1], ARGV[1])
  if redis.call('EXISTS', KEYS[i + 1]) == 1 then
    redis.call('SET', KEYS[i], ARGV[1] .. '!', 'PX', ARGV[2])
  else
    redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[3])
  end
end
return 1
"""

_logger = logging.getLogger(__name__)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[dict[str, str], bytes])


class RedisStore:
    """The store of a service that shares it with others on the same database."""

    def __init__(self, url: str, prefix: str, timeout_s: int, unstamped: UnstampedWrites) -> None:
        """`prefix` is what its keys begin with; entries are kept for `timeout_s`.

        Raises:
            InvalidSetting: `url` is not one of a Redis.
        """
        try:
            self._client = Redis.from_url(
                url,
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                protocol=2,
                retry=Retry(NoBackoff(), 0),
                redis_connect_func=self._on_connect,
            )
        except ValueError as error:
            raise InvalidSetting(f"CACHE_REDIS_URL cannot be used: {error}") from None
        self.entries = RedisEntries(self._client, default_timeout=timeout_s, key_prefix=prefix)
        self._prefix = prefix
        self._stamp_ms = timeout_s * 1000
        self._begin = self._client.register_script(_BEGIN)
        self._end = self._client.register_script(_END)
        self._unstamped = unstamped
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._run_id: bytes | None = None
        self._lost = False
        self._sure_s = -math.inf  # when the last lease began, by time.monotonic()
        # Whether the loss has been reported, by any worker that was forked from this process.
        self._reported = mmap.mmap(-1, 1)

    async def start(self) -> None:
        """Use Redis as soon as that is safe."""
        self._task = asyncio.create_task(self._keep_sure())

    async def stop(self) -> None:
        """Close the connections."""
        self._task.cancel()
        await self._client.aclose()

    async def find(self, key: str, name: str) -> Found:
        """Return the entry of a key, if the stamp of that name is still the entry's."""
        if time.monotonic() > self._sure_s + LEASE_S:
            return NOTHING
        keys = (f"entry {key}", f"stamp {name}", "epoch")
        values = await self._try(lambda: self.entries.get_many(*keys))
        if values is None:
            return NOTHING
        kept, token, epoch = values
        if token is None:
            token = await self._first_token(name)
        if token is None or epoch is None or token.endswith(_CHANGING):
            return NOTHING
        stamp: bytes = epoch + token
        head = stamp + b"\n"
        if kept is None or not kept.startswith(head):
            return Found(None, stamp)
        headers, data = _decoder.decode(memoryview(kept)[len(head) :])
        return Found(Entry(stamp, headers, data), stamp)

    async def keep(self, key: str, entry: Entry) -> None:
        """Keep an entry; Redis forgets others when its memory is full (`maxmemory-policy`)."""
        stamp: bytes = entry.stamp
        value = stamp + b"\n" + _encoder.encode((entry.headers, entry.data))
        await self._try(lambda: self.entries.set(f"entry {key}", value))

    @asynccontextmanager
    async def change(self, *names: str) -> AsyncIterator[None]:
        """Around one write: change the stamps of what it touches, before it and after it.

        A write that fails may still happen; so nothing is kept for a while.

        Raises:
            PyMongoError: neither Redis nor MongoDB can be reached.
        """
        keys = [f"{self._prefix}{kind} {name}" for name in names for kind in ("stamp", "writers")]
        arguments: list[bytes | int] = [_new_token(), LONGEST_CHANGE_MS, self._stamp_ms]
        if not await self._try(lambda: self._begin(keys, arguments)):
            await self._unstamped.announce()
        yield
        if not await self._try(lambda: self._end(keys, arguments)):
            await self._unstamped.announce()

    async def _first_token(self, name: str) -> bytes | None:
        """Give a name a stamp in Redis, unless somebody was quicker; return its token."""
        token = _new_token()
        key = f"{self._prefix}stamp {name}"
        if await self._try(lambda: self._client.set(key, token, nx=True, px=self._stamp_ms)):
            return token
        return await self._try(lambda: self.entries.get(f"stamp {name}"))

    async def _try(self, command: Callable[[], Awaitable[T]]) -> T | None:
        """Return what Redis answers, or None when it is lost."""
        async with self._turns:
            if self._lost:
                return None
            try:
                return await command()
            except RedisError as error:
                self._lose(error)
                return None

    async def _keep_sure(self) -> None:
        while True:
            try:
                await self._make_sure()
            except PyMongoError:
                pass  # the lease runs out
            except RedisError as error:
                self._lose(error)
            await asyncio.sleep(_INTERVAL_S)

    async def _make_sure(self) -> None:
        """Begin a lease, if every write changes its stamps in Redis."""
        began_s = time.monotonic()
        announced = await self._unstamped.announced()
        key = f"{self._prefix}epoch"
        epoch = await self._client.get(key)
        if self._lost:
            self._lost = False
            self._report(lost=False)
        if announced:
            self._sure_s = -math.inf
            return
        # NOTE: a note that was written since the last lease began still held just now, unless
        #   that is long ago. Then somebody may have written without changing stamps.
        if epoch is None or time.monotonic() > self._sure_s + NOTE_S:
            await self._client.set(key, _new_token())
        if not self._lost:
            self._sure_s = began_s

    def _lose(self, error: RedisError) -> None:
        """Answer nothing from Redis until it is back."""
        if not self._lost:
            self._lost = True
            self._sure_s = -math.inf
            self._report(lost=True, why=error)

    def _report(self, *, lost: bool, why: object = None) -> None:
        """Log a change, unless another worker has done so."""
        if self._reported[0] == lost:
            return
        self._reported[0] = lost
        if lost:
            _logger.warning("the response cache is off: Redis cannot be used (%s)", why)
        else:
            _logger.warning("the response cache is back")

    async def _on_connect(self, connection: Connection) -> None:
        """Make a connection; where Redis turns out to have been started anew, it was lost.

        It may have forgotten what changed last, or remember what was long ago.
        """
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        info: bytes = await connection.read_response()
        run_id = info.partition(b"run_id:")[2].partition(b"\r\n")[0]
        known, self._run_id = self._run_id, run_id
        if known not in (None, run_id) and not self._lost:
            raise RedisConnectionError("it was started anew")


def _new_token() -> bytes:
    """Return what no stamp was before."""
    return secrets.token_hex(8).encode()
