"""Time slices: long work on the event loop, a piece at a time, with everything else in between.

Operations that wait for the event loop have a time limit, too; see `bulkhead`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

# For how long the event loop is kept at once.
_SLICE_S = 0.0005


class TimeSlices:
    """Works for slices of time; of several long works it does one after the other."""

    def __init__(self) -> None:
        self._long = asyncio.Lock()

    async def map(self, function: Callable[[A], B], items: Iterable[A]) -> list[B]:
        """Return what a function returns for each item; raises what it raises."""
        results: list[B] = []
        rest = iter(items)
        if not _add(function, rest, results):
            async with self._long:
                while True:
                    await asyncio.sleep(0)
                    if _add(function, rest, results):
                        break
        return results


def _add(function: Callable[[A], B], rest: Iterable[A], results: list[B]) -> bool:
    """Add results for one slice of time; return whether these were the last."""
    ends_s = time.monotonic() + _SLICE_S
    for item in rest:
        results.append(function(item))
        if time.monotonic() > ends_s:
            return False
    return True
