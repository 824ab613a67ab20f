"""What the response cache needs of the place where its entries and its stamps are.

There are three: `NoStore`, `LocalStore` and `RedisStore`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from falcon_caching.async_backends.base import BaseCache

from microservice_chassis.caching.entry import Entry
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS, VersionStamps

# A stamp is the store's own matter; nobody else does more than compare and hash it.
Stamp = Any


class Found(NamedTuple):
    """What a store has for a key: an entry that is right, and the stamp for a new one.

    Without a stamp nothing may be kept: a write is under way, or the cache is off.
    """

    entry: Entry | None
    stamp: Stamp | None


NOTHING = Found(None, None)


def longest_insert_ms(timeout_s: int) -> int:
    """Return for how long an insert counts as under way that may still happen.

    One that happens even later is seen `timeout_s` after that, as what bypasses the service is.
    """
    return max(LONGEST_CHANGE_MS, timeout_s * 1000)


class Store(VersionStamps, Protocol):
    """Entries and stamps, as the response cache needs them."""

    entries: BaseCache

    @property
    def usable(self) -> bool:
        """Whether this worker can answer from it now."""

    async def work(self) -> float | None:
        """Find out whether the cache can be on; return after how many seconds to do so again."""

    async def close(self) -> None:
        """Give back what the store has taken."""

    def at_hand(self, key: str) -> Entry | None:
        """Return the entry of a key, if it is right and known without asking anybody."""

    async def find(self, key: str, name: str) -> Found:
        """Return the entry of a key, if the stamp of that name is still the entry's."""

    async def keep(self, key: str, stamp: Stamp, entry: Entry) -> None:
        """Keep an entry for the time that was configured, in the place of others."""
