"""The seats of the workers: how many connections each has, in memory that they share.

With fewer cores than workers, every request that goes to another worker wakes a process whose
caches are cold. So as many workers as there are cores take connections first.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Sequence

# So many connections a worker takes before workers beyond the number of cores take any.
FULL_CONNECTIONS = 512

# A worker that has not been heard of for so long is stuck, and nobody waits for it.
STUCK_AFTER_S = 1.0

# The words of a seat: when its worker was last heard of (0: it takes no connections),
# how many it has, and how many it has ever taken.
_BEAT, _CONNECTIONS, _TAKEN = range(3)
_WORDS = 8  # a cache line, so that no write to a seat slows another one

_STUCK_AFTER_NS = int(STUCK_AFTER_S * 1e9)


def share(loads: Sequence[int], place: int, first: int, waiting: int) -> int:
    """Return how many of the waiting connections the worker at `place` takes.

    `loads` are the connections of each worker. The `first` ones take all, evenly,
    while they have room up to FULL_CONNECTIONS each; beyond that all workers do.
    """
    front = loads[:first]
    if waiting <= sum(max(FULL_CONNECTIONS - load, 0) for load in front):
        if place >= first:
            return 0
        loads = front
    level = -(-(sum(loads) + waiting) // len(loads))
    return max(0, min(level - loads[place], waiting))


class Seats:
    """The seats; the master makes them, before it forks the workers that share them."""

    def __init__(self, count: int) -> None:
        self._words = memoryview(mmap.mmap(-1, count * _WORDS * 8)).cast("q")
        self._count = count
        self._free = set(range(count))

    def take(self) -> Seat:
        """Return the first free seat, for a worker that is about to be forked.

        Without a free one it is one of the worker's own: it takes whatever connection it can get.
        """
        if not self._free:
            return Seats(1).take()
        number = min(self._free)
        self._free.remove(number)
        return Seat(self, self._words[number * _WORDS : (number + 1) * _WORDS], number)

    def give_back(self, number: int) -> None:
        """Free the seat of a worker that is no more."""
        self._free.add(number)

    def loads(self, seat: int) -> tuple[list[int], int]:
        """Return the connections of the workers that take any, and the place of `seat` there."""
        words = self._words
        since = time.monotonic_ns() - _STUCK_AFTER_NS
        loads: list[int] = []
        place = 0
        for number in range(self._count):
            at = number * _WORDS
            if number == seat:
                place = len(loads)
            elif words[at + _BEAT] < since:
                continue
            loads.append(words[at + _CONNECTIONS])
        return loads, place

    def taken(self) -> int:
        """Return how many connections all workers together have ever taken."""
        return sum(self._words[_TAKEN::_WORDS])


class Seat:
    """The seat of one worker; the master makes it, and only this worker writes to it."""

    def __init__(self, seats: Seats, words: memoryview[int], number: int) -> None:
        self._seats = seats
        self._words = words
        self._number = number
        self._cores = len(os.sched_getaffinity(0))

        # Whether this worker was one of those that take connections first, when it last asked.
        self.is_first = False

    def beat(self) -> None:
        """Tell the other workers that this one is well, and takes connections."""
        self._words[_BEAT] = time.monotonic_ns()

    def retire(self) -> None:
        """Tell the other workers that this one takes no more connections."""
        self._words[_BEAT] = 0

    def leave(self) -> None:
        """Empty the seat, in the master: its worker is no more."""
        for word in range(_WORDS):
            self._words[word] = 0
        self._seats.give_back(self._number)

    def share(self, waiting: int) -> int:
        """Return how many of the waiting connections this worker takes now."""
        loads, place = self._seats.loads(self._number)
        self.is_first = place < self._cores
        return share(loads, place, self._cores, waiting)

    def taken(self) -> int:
        """Return how many connections all workers together have ever taken."""
        return self._seats.taken()

    @property
    def connections(self) -> int:
        """How many connections this worker has."""
        return self._words[_CONNECTIONS]

    def connection_taken(self) -> None:
        """Count a connection."""
        self._words[_CONNECTIONS] += 1
        self._words[_TAKEN] += 1

    def connection_lost(self) -> None:
        """Count a connection no more."""
        self._words[_CONNECTIONS] -= 1
