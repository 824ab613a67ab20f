"""Version stamps of somebody who caches nothing, and remembers which ones have changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from microservice_chassis.storage.version_stamps import Change


class RememberedStamps:
    """Stamps of which one can ask which have changed."""

    def __init__(self) -> None:
        self.changed: set[str] = set()

    @asynccontextmanager
    async def change(self, *names: str, insert: bool = False) -> AsyncIterator[Change]:  # noqa: ARG002
        change = Change()
        yield change
        if change.made:
            self.changed.update(names)
