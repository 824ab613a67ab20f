"""Version stamps: numbers that tell whether what a cached answer was computed from has changed.

Each resource has a stamp, and each collection one.
Whoever reads takes the stamp before it asks the database, and keeps it with the answer;
whoever writes changes the stamp before and after it changes the database.
So an answer whose stamp is still the current one was computed from the current state.
A stamp is changed without a lock and compared without a message: it only has to be another number.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from zlib import crc32

# Names share slots by chance; a change of one then costs the other a cached answer, no more.
_SLOTS = 1 << 16
_SLOT_BYTES = 8
# Behind the slots: a number that is part of every stamp.
_EPOCH = _SLOTS

# The lowest bit of a number: a write is under way.
_CHANGING = 1
# A stamp's number is the time that it was made, 7 bits of the process id, and the lowest bit.
_TIME_SHIFT = 8
_TIME_MASK = (1 << 56) - 1

# A write that began so long ago has ended, or its worker has died under it: longer than one
# operation may take (database.OPERATION_TIMEOUT_MS).
LONGEST_CHANGE_MS = 5_000


class Stamp(NamedTuple):
    """A stamp, equal to another one only as long as nothing has changed."""

    slot: int
    number: int
    epoch: int

    @property
    def settled(self) -> bool:
        """Whether an answer that is computed under this stamp may be kept.

        While a write is under way it may not: if the writer died behind its write,
        nobody would change the stamp again.
        """
        return not _changing(self.number)


class SharedStamps:
    """Stamps in memory that a process shares with those that it forks afterwards.

    Workers whose application was made before the fork share them (Gunicorn's `preload_app`).
    One that made its application itself is alone and cannot know of the others' writes.
    """

    def __init__(self) -> None:
        self._maker = os.getpid()
        self._stamps = memoryview(mmap.mmap(-1, (_SLOTS + 1) * _SLOT_BYTES)).cast("Q")

    @property
    def shared(self) -> bool:
        """Whether this process got the stamps from the one that made them."""
        return os.getpid() != self._maker

    @staticmethod
    def slot(name: str) -> int:
        """Return where the stamp of that name is."""
        return crc32(name.encode()) % _SLOTS

    def current(self, slot: int) -> Stamp:
        """Return the current stamp of a slot."""
        return Stamp(slot, self._stamps[slot], self._stamps[_EPOCH])

    @contextmanager
    def change(self, *slots: int) -> Iterator[None]:
        """Around one write: change the stamps of what it touches, before it and after it.

        A write that fails may still happen; so nothing is kept for a while.
        """
        begun = _new_stamp() | _CHANGING
        for slot in slots:
            self._stamps[slot] = begun
        try:
            yield
        except BaseException:
            self._end(slots, begun, _new_stamp() | _CHANGING)
            raise
        self._end(slots, begun, _new_stamp())

    def renew(self) -> None:
        """Change all stamps at once."""
        self._stamps[_EPOCH] = _new_stamp()

    def _end(self, slots: Sequence[int], begun: int, ended: int) -> None:
        for slot in slots:
            # NOTE: where another writer is under way nothing is kept, and it is for that
            #   one to change the stamp when it ends.
            current = self._stamps[slot]
            if current == begun or not _changing(current):
                self._stamps[slot] = ended


def _changing(number: int) -> bool:
    """Whether a write is under way that made this number."""
    if not number & _CHANGING:
        return False
    age_ns = (time.monotonic_ns() - (number >> _TIME_SHIFT)) & _TIME_MASK
    return age_ns <= LONGEST_CHANGE_MS * 1_000_000


def _new_stamp() -> int:
    """Return a number that no process has used for a stamp, with the lowest bit clear.

    The monotonic clock is the same for all processes of a machine;
    the process id tells two apart that ask in the same nanosecond.
    """
    return (time.monotonic_ns() & _TIME_MASK) << _TIME_SHIFT | (os.getpid() & 0x7F) << 1
