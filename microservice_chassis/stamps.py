"""Version stamps: numbers that tell whether what a cached answer was computed from has changed.

Each resource has a stamp, and each collection one.
Whoever reads takes the stamp before it asks the database, and keeps it with the answer;
whoever writes changes the stamp before and after it changes the database.
So an answer whose stamp is still the current one was computed from the current state.
A stamp is changed without a lock and compared without a message: it only has to be another number.

A worker may die between its write and the second change. So each write is entered beside the stamp
as long as it is under way, and meanwhile no answer is kept.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

# Names share slots by chance; a change of one then costs the other a cached answer, no more.
_SLOTS = 1 << 16
_NUMBER_BYTES = 8

# How many writes can be entered beside one stamp; of more, not all are remembered.
_WRITES = 16

# A number is the time that it was made, and 8 bits of the process id.
_TIME_SHIFT = 8
_TIME_MASK = (1 << 56) - 1

# A write that began so long ago has ended, or its worker has died over it: longer than one
# operation may take (database.OPERATION_TIMEOUT_MS).
LONGEST_CHANGE_MS = 5_000


class SharedStamps:
    """Stamps in memory that a process shares with those that it forks afterwards.

    Workers whose application was made before the fork share them (Gunicorn's `preload_app`).
    One that made its application itself is alone and cannot know of the others' writes.
    """

    def __init__(self) -> None:
        self._maker = os.getpid()
        self._numbers = _shared_numbers(_SLOTS)
        # The writes under way, _WRITES places for each slot: the number that each has made.
        self._writes = _shared_numbers(_SLOTS * _WRITES)

    @property
    def shared(self) -> bool:
        """Whether this process got the stamps from the one that made them."""
        return os.getpid() != self._maker

    @staticmethod
    def slot(name: str) -> int:
        """Return where the stamp of that name is."""
        return crc32(name.encode()) % _SLOTS

    def current(self, slot: int) -> int:
        """Return the current stamp of a slot."""
        return self._numbers[slot]

    def settled(self, slot: int) -> bool:
        """Whether an answer may be kept that is computed under a stamp taken before this call."""
        first = slot * _WRITES
        return not any(map(_under_way, self._writes[first : first + _WRITES]))

    @contextmanager
    def change(self, *slots: int) -> Iterator[None]:
        """Around one write: change the stamps of what it touches, before it and after it.

        A write that fails may still happen; it counts as under way for as long as it can.
        """
        begun = _new_number()
        places = [self._free_place(slot) for slot in slots]
        # NOTE: whoever takes a stamp looks for writes next, so they come first here and last below.
        for place in places:
            self._writes[place] = begun
        for slot in slots:
            self._numbers[slot] = begun
        yield
        ended = _new_number()
        for slot in slots:
            self._numbers[slot] = ended
        for place in places:
            if self._writes[place] == begun:
                self._writes[place] = 0

    def _free_place(self, slot: int) -> int:
        """Return a place for a write; each process begins its search at another one."""
        first, own = slot * _WRITES, os.getpid()
        places = [first + (own + step) % _WRITES for step in range(_WRITES)]
        return next((each for each in places if not _under_way(self._writes[each])), places[0])


def _shared_numbers(count: int) -> memoryview[int]:
    return memoryview(mmap.mmap(-1, count * _NUMBER_BYTES)).cast("Q")


def _new_number() -> int:
    """Return a number that no process has used for a stamp.

    The monotonic clock is the same for all processes of a machine;
    the process id tells two apart that ask in the same nanosecond.
    """
    return (time.monotonic_ns() & _TIME_MASK) << _TIME_SHIFT | (os.getpid() & 0xFF)


def _under_way(number: int) -> bool:
    """Whether the write that made this number can still happen."""
    if number == 0:
        return False
    age_ns = (time.monotonic_ns() - (number >> _TIME_SHIFT)) & _TIME_MASK
    return age_ns <= LONGEST_CHANGE_MS * 1_000_000
