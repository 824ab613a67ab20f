"""The memory of one worker's response cache."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any, NamedTuple

from falcon_caching.async_backends.base import BaseCache

from microservice_chassis.caching.entry import Entry

# How much one worker keeps.
ENTRIES = 4096
BYTES = 16 * 1024 * 1024


class Stamped(NamedTuple):
    """An entry, and the stamp under which it counts."""

    stamp: Any
    entry: Entry


class _Kept(NamedTuple):
    value: Stamped
    expires_s: float  # by time.monotonic()


class LruCache(BaseCache):  # type: ignore[misc]  # falcon-caching comes without types
    """A falcon-caching backend in the memory of one worker, bounded in entries and in bytes.

    It keeps objects as they are, forgets the least recently used ones first,
    and looks at no more entries than it forgets.
    """

    def __init__(self, timeout_s: int, entries: int = ENTRIES, size_bytes: int = BYTES) -> None:
        super().__init__(timeout_s)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._free_entries = entries
        self._free_bytes = size_bytes

    async def get(self, key: str) -> Stamped | None:
        """Return the entry of a key, from now on the most recently used one."""
        return self.look_up(key)

    def look_up(self, key: str) -> Stamped | None:
        """Do as `get` does, without the detour over a coroutine."""
        kept = self._kept.get(key)
        if kept is None or kept.expires_s < time.monotonic():
            return None
        self._kept.move_to_end(key)
        return kept.value

    async def set(self, key: str, value: Stamped, timeout: int | None = None) -> bool:
        """Keep an entry for a time, in seconds, in the place of the least recently used ones."""
        await self.delete(key)
        self._kept[key] = _Kept(value, time.monotonic() + self._normalize_timeout(timeout))
        self._free_entries -= 1
        self._free_bytes -= len(value.entry.body)
        while self._free_entries < 0 or self._free_bytes < 0:
            await self.delete(next(iter(self._kept)))
        return True

    async def delete(self, key: str) -> bool:
        """Forget the entry of a key, if there is one."""
        kept = self._kept.pop(key, None)
        if kept is None:
            return False
        self._free_entries += 1
        self._free_bytes += len(kept.value.entry.body)
        return True
