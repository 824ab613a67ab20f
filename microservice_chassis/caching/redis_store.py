"""The response cache of several containers: entries and stamps in one Redis.

    entry <key>         the stamp under which it was computed, a line feed, the answer

The stamps are in `redis_stamps`, and in `redis_lease` for how long a worker may trust them.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec
from redis.exceptions import RedisError

from microservice_chassis.caching.entry import Entry
from microservice_chassis.caching.redis_entries import RedisEntries
from microservice_chassis.caching.redis_lease import EpochLease
from microservice_chassis.caching.redis_link import RedisLink
from microservice_chassis.caching.redis_stamps import RedisStamps, is_changing, new_token
from microservice_chassis.caching.store import NOTHING, Found, Stamp, longest_insert_ms
from microservice_chassis.errors import DatabaseTooNew, DatabaseUnavailable
from microservice_chassis.storage.unstamped_writes import UnstampedWrites
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS, Change

# How often a worker makes sure that it may answer from Redis; several times within a lease.
INTERVAL_S = 0.25

# Changes with what the keys and their values mean.
_FORMAT = 2

# What has a stamp and an entry only to try Redis out.
_TRIAL = "trial"

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
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`deployment` returns the id that tells the data from all others; it is in every key.

        Entries are kept for `timeout_s`. `now_s` is a clock of this process, in seconds.

        Raises:
            InvalidSetting: `url` is not one of a Redis.
        """
        self._link = RedisLink(url, now_s)
        self.entries = RedisEntries(self._link.client, default_timeout=timeout_s)
        self._stamps = RedisStamps(self._link.client, timeout_s)
        self._lease = EpochLease(self._link, unstamped, self._try_out, now_s)
        self._longest_insert_ms = longest_insert_ms(timeout_s)
        self._unstamped = unstamped
        self._deployment = deployment
        self._prefix = ""

    @property
    def usable(self) -> bool:
        """Whether Redis is there, and every write changes its stamps in it."""
        return self._lease.sure and not self._link.lost

    async def work(self) -> float | None:
        """Make sure, again and again, that Redis may be used; only then it is.

        What is unexpected is for the background; meanwhile the lease runs out.
        """
        if not self._link.resting:
            try:
                await self._lease.make_sure(await self._known_prefix())
            except (DatabaseUnavailable, DatabaseTooNew):
                pass  # the lease runs out
            except RedisError as error:
                self._link.lose(error)
        return INTERVAL_S

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    def at_hand(self, key: str) -> Entry | None:  # noqa: ARG002
        """Return nothing: Redis has to be asked."""
        return None

    async def find(self, key: str, name: str) -> Found:
        """Return the entry of a key, if the stamp of that name is still the entry's."""
        if not self._lease.sure:
            return NOTHING
        keys = (f"entry {key}", f"stamp {name}", "epoch")
        values = await self._link.attempt(lambda: self.entries.get_many(*keys))
        if values is None:
            return NOTHING
        kept, token, epoch = values
        if token is None:
            token = await self._link.attempt(lambda: self._stamps.first(name))
        if token is None or epoch is None or is_changing(token):
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
        await self._link.attempt(lambda: self.entries.set(f"entry {key}", value))

    @asynccontextmanager
    async def change(self, *names: str, insert: bool = False) -> AsyncIterator[Change]:
        """Around one write: change the stamps of what it touches, unless it changes nothing.

        Raises:
            DatabaseUnavailable: neither Redis nor MongoDB can be reached.
        """
        longest_ms = self._longest_insert_ms if insert else LONGEST_CHANGE_MS
        await self._known_prefix()
        begun = new_token()
        in_redis = await self._enter(names, begun, longest_ms)
        change = Change()
        try:
            yield change
        except BaseException:
            # NOTE: it may still happen, and Redis may have been started anew since it began.
            if in_redis:
                with suppress(DatabaseUnavailable):  # what has failed is said already
                    await self._enter(names, begun, longest_ms)
            raise
        if not await self._link.attempt(lambda: self._stamps.end(names, begun, change.made)):
            await self._unstamped.announce()

    async def _enter(self, names: Sequence[str], token: bytes, longest_ms: int) -> bool:
        """Say that a write is under way, in Redis or else in MongoDB; return whether in Redis."""
        if await self._link.attempt(lambda: self._stamps.begin(names, token, longest_ms)):
            return True
        await self._unstamped.announce(longest_ms)
        return False

    async def _try_out(self) -> None:
        """Have Redis do what requests need of it; raises RedisError where it does not."""
        token = new_token()
        await self._stamps.first(_TRIAL)
        await self._stamps.begin([_TRIAL], token, LONGEST_CHANGE_MS)
        await self._stamps.end([_TRIAL], token, changed=True)
        await self.entries.set(f"entry {_TRIAL}", token)

    async def _known_prefix(self) -> str:
        """Return what all keys begin with; raise DatabaseUnavailable while nobody can know it."""
        if not self._prefix:
            self._prefix = f"eventpost:{_FORMAT}:{await self._deployment()}:"
            self._stamps.prefix = self.entries.key_prefix = self._prefix
        return self._prefix
