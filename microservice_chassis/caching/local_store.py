"""The response cache of one container: entries in each worker, stamps in shared memory."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from microservice_chassis.caching.attachment import Attachment
from microservice_chassis.caching.entry import Entry
from microservice_chassis.caching.lru_cache import LruCache, Stamped
from microservice_chassis.caching.stamps import SharedStamps
from microservice_chassis.caching.store import NOTHING, Found, Stamp, longest_insert_ms
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS, Change

_logger = logging.getLogger(__name__)


class LocalStore:
    """The store of a service, made before its workers are forked."""

    def __init__(self, timeout_s: int, attachment: Attachment) -> None:
        self.entries = LruCache(timeout_s)
        self._longest_insert_ms = longest_insert_ms(timeout_s)
        self._attachment = attachment
        # Those of a worker that has them for its whole life, and need not look again.
        self._stamps: SharedStamps | None = None

    @property
    def usable(self) -> bool:
        """Whether all who write change the stamps that this worker sees."""
        return (self._stamps or self._attachment.shared_stamps) is not None

    async def work(self) -> float | None:
        """Say so where this worker is alone; its cache is off."""
        stamps = self._attachment.shared_stamps
        if self._attachment.lasting:
            self._stamps = stamps
        if stamps is None:
            _logger.warning(
                "the response cache is off: this worker was started in a way"
                " in which it cannot know of the writes of others"
            )
        return None

    async def close(self) -> None:
        """Do nothing: the memory ends with the worker."""

    def at_hand(self, key: str) -> Entry | None:
        """Return the entry of a key, if its stamp is still the current one."""
        kept = self.entries.look_up(key)
        if kept is None:
            return None
        number, slot, stamps = kept.stamp
        today = self._stamps or self._attachment.shared_stamps
        # NOTE: the numbers of another memory may be the same.
        if today is None or stamps is not today or today.current(slot) != number:
            return None
        return kept.entry

    async def find(self, key: str, name: str) -> Found:
        """Return the entry of a key, if the stamp of that name is still the entry's."""
        stamps = self._stamps or self._attachment.shared_stamps
        if stamps is None:
            return NOTHING
        slot = stamps.slot(name)
        number = stamps.current(slot)
        if number is None:
            return NOTHING
        return Found(self.at_hand(key), (number, slot, stamps))

    async def keep(self, key: str, stamp: Stamp, entry: Entry) -> None:
        """Keep an entry, in the place of the least recently used ones."""
        await self.entries.set(key, Stamped(stamp, entry))

    @asynccontextmanager
    async def change(self, *names: str, insert: bool = False) -> AsyncIterator[Change]:
        """Around one write: change the stamps of what it touches, unless it changes nothing."""
        longest_ms = self._longest_insert_ms if insert else LONGEST_CHANGE_MS
        stamps = self._attachment.stamps
        with ExitStack() as changes:
            slots = map(stamps.slot, names)
            change = changes.enter_context(stamps.change(*slots, longest_ms=longest_ms))
            try:
                yield change
            finally:
                # The launcher may have been started anew meanwhile; its workers have to know, too.
                today = self._attachment.stamps
                if today is not stamps:
                    slots = map(today.slot, names)
                    late = changes.enter_context(today.change(*slots, longest_ms=longest_ms))
                    late.made = change.made
