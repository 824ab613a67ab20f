"""The response cache of several containers: entries and stamps in one Redis.

    entry <key>         the stamp under which it was computed, a line feed, the answer
    stamp <name>        a token that every change gives another value (see `redis_scripts`)
    writers <name>      the writes under way, by the time that they began
    epoch               a token that is part of every stamp
    lease               the run id of Redis, for as long as the epoch counts

A worker answers from Redis only while it is sure that every write changes its stamps in there:
it asks about `UnstampedWrites` all the time, and whoever has found none prolongs the lease.
Without a lease somebody may have written unseen; so the next one makes a new epoch,
in which no entry from before counts.
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
from redis.asyncio import Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from microservice_chassis.caching import redis_scripts
from microservice_chassis.caching.entry import Entry
from microservice_chassis.caching.redis_entries import RedisEntries
from microservice_chassis.caching.stamps import LONGEST_CHANGE_MS
from microservice_chassis.caching.store import NOTHING, Found, Stamp
from microservice_chassis.errors import DatabaseTooNew, DatabaseUnavailable, InvalidSetting
from microservice_chassis.storage.unstamped_writes import LEASE_S, NOTE_S, UnstampedWrites
from microservice_chassis.storage.version_stamps import Change

T = TypeVar("T")

# How long Redis may take to answer; one that needs longer is lost.
_TIMEOUT_S = 0.5
# How often a worker makes sure; several times within a lease.
_INTERVAL_S = 0.25
# How many commands a worker has under way at once, each on a connection of its own.
_AT_ONCE = 32

# For how long the epoch counts after a look that found no note: less than a note holds,
# so that one that was written right behind the look is seen before the lease ends.
_LEASE_S = NOTE_S - 1.0

# Changes with what the keys and their values mean.
_FORMAT = 2

_CHANGING = b"!"

_logger = logging.getLogger(__name__)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[tuple[tuple[bytes, bytes], ...], bytes])


class RedisStore:
    """The store of a service that shares it with others on the same database."""

    def __init__(
        self,
        url: str,
        timeout_s: int,
        unstamped: UnstampedWrites,
        deployment: Callable[[], Awaitable[str]],
    ) -> None:
        """`deployment` returns the id that tells the data from all others; it is in every key.

        Entries are kept for `timeout_s`.

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
        except ValueError:
            raise InvalidSetting("CACHE_REDIS_URL cannot be used: it is none of a Redis") from None
        self.entries = RedisEntries(self._client, default_timeout=timeout_s)
        self._deployment = deployment
        self._prefix = ""
        self._stamp_ms = timeout_s * 1000
        self._begin = self._client.register_script(redis_scripts.BEGIN)
        self._end = self._client.register_script(redis_scripts.END)
        self._unstamped = unstamped
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._run_id: bytes | None = None
        self._lost = False
        self._in_doubt = False  # whether somebody may have written unseen in this epoch
        self._sure_s = -math.inf  # when the last lease began, by time.monotonic()
        # Whether the loss has been reported, by any worker that was forked from this process.
        self._reported = mmap.mmap(-1, 1)

    async def work(self) -> float | None:
        """Make sure, again and again, that Redis may be used; only then it is."""
        try:
            await self._make_sure()
        except (DatabaseUnavailable, DatabaseTooNew):
            pass  # the lease runs out
        except RedisError as error:
            self._lose(error)
        return _INTERVAL_S

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def at_hand(self, key: str) -> Entry | None:  # noqa: ARG002
        """Return nothing: Redis has to be asked."""
        return None

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
        if token is None or epoch is None or _CHANGING in token:
            return NOTHING
        stamp: bytes = epoch + token
        head = stamp + b"\n"
        if kept is None or not kept.startswith(head):
            return Found(None, stamp)
        try:
            return Found(Entry(*_decoder.decode(memoryview(kept)[len(head) :])), stamp)
        except (msgspec.MsgspecError, KeyError):
            return Found(None, stamp)

    async def keep(self, key: str, stamp: Stamp, entry: Entry) -> None:
        """Keep an entry; Redis forgets others when its memory is full (`maxmemory-policy`)."""
        value: bytes = stamp + b"\n" + _encoder.encode((entry.headers, entry.body))
        await self._try(lambda: self.entries.set(f"entry {key}", value))

    @asynccontextmanager
    async def change(self, *names: str) -> AsyncIterator[Change]:
        """Around one write: change the stamps of what it touches, unless it changes nothing.

        A write that fails may still happen; so nothing is kept for a while.

        Raises:
            DatabaseUnavailable: neither Redis nor MongoDB can be reached.
        """
        prefix = await self._known_prefix()
        keys = [f"{prefix}{kind} {name}" for name in names for kind in ("stamp", "writers")]
        begun = _new_token()
        if not await self._try(lambda: self._begin(keys, [begun, LONGEST_CHANGE_MS])):
            await self._unstamped.announce()
        change = Change()
        yield change
        changed = _new_token() if change.made else b""
        arguments: list[bytes | int] = [begun, LONGEST_CHANGE_MS, self._stamp_ms, changed]
        if not await self._try(lambda: self._end(keys, arguments)):
            await self._unstamped.announce()

    async def _known_prefix(self) -> str:
        """Return what all keys begin with; raise DatabaseUnavailable while nobody can know it."""
        if not self._prefix:
            self._prefix = f"eventpost:{_FORMAT}:{await self._deployment()}:"
            self.entries.key_prefix = self._prefix
        return self._prefix

    async def _first_token(self, name: str) -> bytes | None:
        """Give a name a stamp in Redis, unless somebody was quicker; return its token."""
        token = _new_token()
        key = f"{self._prefix}stamp {name}"
        if await self._try(lambda: self._client.set(key, token, nx=True, px=self._stamp_ms)):
            return token
        return await self._try(lambda: self.entries.get(f"stamp {name}"))

    async def _try(self, command: Callable[[], Awaitable[T]]) -> T | None:
        """Return what Redis answers, or None when it is lost."""
        async with self._free:
            if self._lost:
                return None
            try:
                return await command()
            except RedisError as error:
                self._lose(error)
                return None

    async def _make_sure(self) -> None:
        """Be sure for a while, if every write changes its stamps in Redis."""
        prefix = await self._known_prefix()
        epoch, lease = f"{prefix}epoch", f"{prefix}lease"
        began_s = time.monotonic()
        seconds, microseconds = await self._client.time()
        lease_ends_ms = seconds * 1000 + microseconds // 1000 + int(_LEASE_S * 1000)
        announced = await self._unstamped.announced()
        if announced:
            self._sure_s = -math.inf
            self._in_doubt = True
            await self._client.delete(lease)
        known, run_id = await self._client.mget(epoch, lease)
        if self._lost:
            self._lost = False
            self._report(lost=False)
        if announced:
            return
        # NOTE: a lease is prolonged, and never made again without a new epoch: somebody may have
        #   ended it meanwhile, because of a note that this worker has not seen yet.
        if self._in_doubt or known is None or run_id != self._run_id:
            async with self._client.pipeline(transaction=True) as together:
                together.set(epoch, _new_token())
                together.set(lease, self._run_id or b"", pxat=lease_ends_ms)
                await together.execute()
            self._in_doubt = False
        else:
            await self._client.pexpireat(lease, lease_ends_ms)
        if not self._lost:
            self._sure_s = began_s

    def _lose(self, error: RedisError) -> None:
        """Answer nothing from Redis until it is back."""
        if not self._lost:
            self._lost = True
            self._in_doubt = True
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
