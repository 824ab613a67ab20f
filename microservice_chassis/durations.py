"""Durations: how long things took, counted in plain numbers; to count one costs next to nothing."""

from __future__ import annotations

from bisect import bisect_left

# The upper bounds of the buckets: a cached answer takes tenths of a millisecond, and nothing that
# waits for MongoDB may take longer than 2 s. Behind the last one there is no bound.
BOUNDS_S = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025),
    *(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


class Durations:
    """A histogram: how many durations there are up to each bound, and their sum in seconds."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        # Of each bucket by itself: those up to its bound and above the one before it.
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.total_s = 0.0

    def add(self, duration_s: float) -> None:
        """Count a duration; one that is a bound belongs to what is up to it."""
        self.counts[bisect_left(BOUNDS_S, duration_s)] += 1
        self.total_s += duration_s

    @property
    def count(self) -> int:
        """How many durations there are."""
        return sum(self.counts)
