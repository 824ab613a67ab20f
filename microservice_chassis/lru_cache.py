"""The memory of one worker's response cache."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from falcon_caching.async_backends.base import BaseCache

# How much one worker keeps.
ENTRIES = 4096
BYTES = 16 * 1024 * 1024


class Entry(NamedTuple):
    """A kept answer, and the stamp under which it was read."""

    slot: int
    stamp: int
    expires_s: float  # by time.monotonic()
    headers: Mapping[str, str]
    data: bytes
    start: Mapping[str, Any]  # the ASGI message that starts a 200
    not_modified: Mapping[str, Any]  # the ASGI message that starts a 304


class LruCache(BaseCache):  # type: ignore[misc]  # falcon-caching comes without types
    """A falcon-caching backend in the memory of one worker, bounded in entries and in bytes.

    It keeps objects as they are, forgets the least recently used ones first,
    and looks at no more entries than it forgets.
    """

    def __init__(self, entries: int = ENTRIES, size_bytes: int = BYTES) -> None:
        super().__init__()
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._free_entries = entries
        self._free_bytes = size_bytes

    async def get(self, key: str) -> Entry | None:
        """Return the entry of a key, from now on the most recently used one."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    async def set(self, key: str, value: Entry, timeout: int | None = None) -> bool:  # noqa: ARG002
        """Keep an entry, in the place of the least recently used ones."""
        await self.delete(key)
        self._entries[key] = value
        self._free_entries -= 1
        self._free_bytes -= len(value.data)
        while self._free_entries < 0 or self._free_bytes < 0:
            await self.delete(next(iter(self._entries)))
        return True

    async def delete(self, key: str) -> bool:
        """Forget the entry of a key, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._free_entries += 1
        self._free_bytes += len(entry.data)
        return True
