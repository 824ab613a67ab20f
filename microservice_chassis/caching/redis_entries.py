"""The entries of a response cache in Redis."""

from __future__ import annotations

from falcon_caching.async_backends.redis import Redis as RedisBackend
from redis.asyncio import Redis


class RedisEntries(RedisBackend):  # type: ignore[misc]  # falcon-caching comes without types
    """falcon-caching's backend, but with bytes: it would unpickle whatever Redis holds.

    And with the client of the redis package, which needs half of the time of coredis.
    """

    def dump_object(self, value: bytes) -> bytes:
        """Return what is kept."""
        return value

    def load_object(self, value: bytes | None) -> bytes | None:
        """Return what was kept."""
        return value

    async def set(self, key: str, value: bytes, timeout: int | None = None) -> bool:
        """Keep a value for a time, in seconds."""
        seconds = self._normalize_timeout(timeout)
        client: Redis = self._write_client
        return bool(await client.set(self.key_prefix + key, value, ex=seconds))
