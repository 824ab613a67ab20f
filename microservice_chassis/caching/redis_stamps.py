"""The version stamps in Redis.

    stamp <name>        a token that every change gives another value (see `redis_scripts`)
    writers <name>      the writes under way, by the times until which they can happen

A name whose stamp Redis has forgotten gets a new one, under which nothing was kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import cast

from redis.asyncio import Redis

from microservice_chassis.caching import redis_scripts

_CHANGING = b"!"


class RedisStamps:
    """The stamps of a deployment. Every method raises RedisError where Redis does not do it."""

    def __init__(self, client: Redis, timeout_s: int) -> None:
        """A stamp is kept for `timeout_s`, as an entry is that was kept under it."""
        self.prefix = ""
        self._client = client
        self._stamp_ms = timeout_s * 1000
        self._begin = client.register_script(redis_scripts.BEGIN)
        self._end = client.register_script(redis_scripts.END)

    async def begin(self, names: Sequence[str], token: bytes, longest_ms: int) -> bool:
        """Enter a write that can happen for so long; return True. It may be entered again."""
        return bool(await self._begin(self._keys(names), [token, longest_ms]))

    async def end(self, names: Sequence[str], token: bytes, changed: bool) -> bool:
        """End a write that was entered under a token; return True."""
        stamp = new_token() if changed else b""
        return bool(await self._end(self._keys(names), [token, self._stamp_ms, stamp]))

    async def first(self, name: str) -> bytes | None:
        """Give a name a stamp, unless somebody was quicker; return its token."""
        token = new_token()
        key = f"{self.prefix}stamp {name}"
        if await self._client.set(key, token, nx=True, px=self._stamp_ms):
            return token
        return cast("bytes | None", await self._client.get(key))

    def _keys(self, names: Sequence[str]) -> list[str]:
        return [f"{self.prefix}{kind} {name}" for name in names for kind in ("stamp", "writers")]


def is_changing(token: bytes) -> bool:
    """Whether a write is under way that may change the stamp."""
    return _CHANGING in token


def new_token() -> bytes:
    """Return what no stamp was before."""
    return secrets.token_hex(8).encode()
