"""The response cache of one container: entries in each worker, stamps in shared memory."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from microservice_chassis.lru_cache import LruCache
from microservice_chassis.stamps import SharedStamps
from microservice_chassis.store import NOTHING, Entry, Found

_logger = logging.getLogger(__name__)


class LocalStore:
    """The store of a service, made before its workers are forked."""

    def __init__(self, timeout_s: int) -> None:
        self.entries = LruCache(timeout_s)
        self._stamps = SharedStamps()
        self._on = False

    async def start(self) -> None:
        """Switch the cache on in a worker that shares its stamps with the others."""
        self._on = self._stamps.shared
        if not self._on:
            _logger.warning(
                "the response cache is off: this worker was started in a way"
                " in which it cannot know of the others' writes"
            )

    async def stop(self) -> None:
        """Do nothing: the memory ends with the worker."""

    async def find(self, key: str, name: str) -> Found:
        """Return the entry of a key, if the stamp of that name is still the entry's."""
        if not self._on:
            return NOTHING
        slot = self._stamps.slot(name)
        stamp = (slot, self._stamps.current(slot))
        entry = await self.entries.get(key)
        if entry is not None and entry.stamp == stamp:
            return Found(entry, stamp)
        return Found(None, stamp) if self._stamps.settled(slot) else NOTHING

    async def keep(self, key: str, entry: Entry) -> None:
        """Keep an entry, in the place of the least recently used ones."""
        await self.entries.set(key, entry)

    @asynccontextmanager
    async def change(self, *names: str) -> AsyncIterator[None]:
        """Around one write: change the stamps of what it touches, before it and after it."""
        with self._stamps.change(*map(self._stamps.slot, names)):
            yield
