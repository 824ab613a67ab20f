"""No response cache."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext

from falcon_caching.async_backends.null import NullCache

from microservice_chassis.caching.entry import Entry
from microservice_chassis.caching.store import NOTHING, Found, Stamp
from microservice_chassis.storage.version_stamps import Change


class NoStore:
    """Keeps nothing."""

    entries = NullCache()
    usable = False

    async def work(self) -> float | None:
        """Do nothing."""
        return None

    async def close(self) -> None:
        """Do nothing."""

    def at_hand(self, key: str) -> Entry | None:  # noqa: ARG002
        """Return nothing."""
        return None

    async def find(self, key: str, name: str) -> Found:  # noqa: ARG002
        """Return nothing."""
        return NOTHING

    async def keep(self, key: str, stamp: Stamp, entry: Entry) -> None:
        """Forget it."""

    def change(
        self,
        *_names: str,
        insert: bool = False,  # noqa: ARG002
    ) -> AbstractAsyncContextManager[Change]:
        """Change nothing."""
        return nullcontext(Change())
