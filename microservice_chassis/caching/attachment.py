"""How a process of a service gets at the memory that all of them share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Protocol

from microservice_chassis.caching.shared_memory import SharedMemory
from microservice_chassis.caching.stamps import SharedStamps


class File(Protocol):
    """The file that the processes share."""

    fd: int

    @property
    def shared(self) -> bool:
        """Whether all who write have this file."""

    @property
    def lasting(self) -> bool:
        """Whether it stays the same file for the life of this process."""

    def renew(self) -> bool:
        """Return whether it is another file now."""


class Attachment:
    """The shared memory and its stamps: those of this process, and of the launcher of today.

    It is made before the workers are forked; each then attaches by itself, the first time it asks.
    """

    def __init__(self, file: File, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """`now_ns` is a clock that all processes of the machine share."""
        self._file = file
        self._now_ns = now_ns
        self._pid = 0
        self._memory: SharedMemory
        self._stamps: SharedStamps

    @property
    def lasting(self) -> bool:
        """Whether the file stays the same for the life of this process."""
        return self._file.lasting

    @property
    def shared_stamps(self) -> SharedStamps | None:
        """The stamps, or None where not all who write change them."""
        stamps = self.stamps
        return stamps if self._file.shared else None

    @property
    def stamps(self) -> SharedStamps:
        """The stamps; others than before where the launcher has been started anew."""
        if self._file.renew():
            self._pid = 0  # nothing that is attached counts any more
        if self._pid != os.getpid():
            self._memory = SharedMemory(self._file.fd)
            self._stamps = SharedStamps(self._memory, self._now_ns)
            self._pid = os.getpid()
        return self._stamps

    def raise_floor(self, candidate: int, count: int = 1) -> int:
        """Return the candidate, or the least number above all before it in any process.

        That and the numbers behind it, `count` in all, are taken.
        """
        _ = self.stamps
        return self._memory.raise_floor(candidate, count)
