"""How the processes of one service lay out the memory that they share.

    header      8 numbers, of which the first is the floor of ids
    stamps      one number for each slot
    places      for each slot one number for each process: until when its write can happen

All numbers have 64 bits and are read and written as a whole. A process has a place of its own in
each slot, which only it writes; it keeps the number of the place by a lock on one byte, which the
kernel releases when the process ends, however that happens (fcntl(2), "Open file description
locks").
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct

from microservice_chassis.errors import DatabaseUnavailable

_HEADER = 8
_FLOOR = 0

# The length of the file is this, and 8 bytes for each process that may write.
_LEAST_BYTES = 1 << 24
_NUMBER_BYTES = 8
_MOST_SLOTS = 1 << 16

# What is locked while the floor is raised; the places of processes come behind it.
_FLOOR_LOCK = 0


class SharedMemory:
    """The shared memory, as one process sees it. Made again in each process after a fork."""

    def __init__(self, fd: int) -> None:
        """`fd` is a file in memory, whose length tells how many processes may write."""
        # NOTE: a descriptor of this process alone, since locks belong to what open(2) makes.
        self._fd = os.open(f"/proc/self/fd/{fd}", os.O_RDWR)
        size = os.fstat(fd).st_size
        self.places = (size - _LEAST_BYTES) // _NUMBER_BYTES
        room = _LEAST_BYTES // _NUMBER_BYTES - _HEADER
        self.slots = min(_MOST_SLOTS, room // (self.places + 1))
        self.bytes = mmap.mmap(self._fd, size)
        numbers = memoryview(self.bytes)[: size // _NUMBER_BYTES * _NUMBER_BYTES].cast("Q")
        self._header = numbers[:_HEADER]
        self.stamps = numbers[_HEADER : _HEADER + self.slots]
        self.first_place = _HEADER + self.slots
        self.writes = numbers[self.first_place : self.first_place + self.slots * self.places]
        self._place: int | None = None

    @property
    def place(self) -> int:
        """The number of this process's place in each slot, from the first time it is asked for.

        Raises:
            DatabaseUnavailable: more processes write than there are places.
        """
        if self._place is None:
            for place in range(self.places):
                if self._lock(1 + place, wait=False):
                    self._place = place
                    break
            else:
                raise DatabaseUnavailable(f"more than {self.places} processes share one memory")
        return self._place

    def raise_floor(self, candidate: int, count: int = 1) -> int:
        """Take so many numbers from the candidate on, or from the floor, and return the first."""
        self._lock(_FLOOR_LOCK, wait=True)
        try:
            first: int = max(candidate, self._header[_FLOOR] + 1)
            self._header[_FLOOR] = first + count - 1
        finally:
            self._unlock(_FLOOR_LOCK)
        return first

    def close(self) -> None:
        """Give the place back, as the kernel does when the process ends."""
        # NOTE: the mapping has a descriptor of its own for the same open file.
        if self._place is not None:
            self._unlock(1 + self._place)
        os.close(self._fd)

    def _lock(self, byte: int, *, wait: bool) -> bool:
        command = fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK
        try:
            fcntl.fcntl(self._fd, command, _flock(fcntl.F_WRLCK, byte))
        except BlockingIOError:
            return False
        return True

    def _unlock(self, byte: int) -> None:
        fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _flock(fcntl.F_UNLCK, byte))


def _flock(kind: int, byte: int) -> bytes:
    """Return a `struct flock` (fcntl(2)) for one byte."""
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, byte, 1, 0)
