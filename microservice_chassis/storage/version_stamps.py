"""What those who write to the database owe the response cache: they change version stamps.

The cache implements this; docs/cache.md says why no read is stale then.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

# A write that is no insert has happened so long after it began, or never will: longer than one
# operation may take (storage.client.OPERATION_TIMEOUT_MS).
LONGEST_CHANGE_MS = 5_000


class Change:
    """One write, as it turns out: `made` is false where it has changed nothing (404, 412)."""

    __slots__ = ("made",)

    def __init__(self) -> None:
        self.made = True


class VersionStamps(Protocol):
    """A stamp for each collection and each resource, under names that both sides know."""

    def change(self, *names: str, insert: bool = False) -> AbstractAsyncContextManager[Change]:
        """Around one write: change the stamps of what it touches, before it is answered.

        A write that fails, or whose process dies, may still happen: LONGEST_CHANGE_MS after it
        began, and an `insert`, which cannot carry a deadline, at any time. So nothing is kept of
        what it touches for as long as it can happen; of what an insert touches, for as long as
        an answer is kept at most. Then the stamps change.

        Raises:
            DatabaseUnavailable: nobody could be told of the write, so it must not begin.
        """
