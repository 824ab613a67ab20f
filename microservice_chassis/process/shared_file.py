"""A file in memory that all processes of one service share (memfd_create(2)).

The launcher makes it and hands it down. A process of the same machine that was started by hand,
with the same DATA_DIR, finds it through a link in the run directory.
What is in it is up to those who use it; it begins as zeros.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

# Of which only what is written to takes memory.
LEAST_BYTES = 1 << 24

# What the file is longer by for each process that may write to it; so its length tells how many.
BYTES_OF_PROCESS = 8

# Names the descriptor that was handed down.
VARIABLE = "EVENTPOST_SHARED_FILE"

_LINK = "shared"
_NAME = "eventpost"


class SharedFile:
    """The file, as one process has it, and whoever it forks afterwards."""

    def __init__(self, fd: int, maker: int | None = None, link: Path | None = None) -> None:
        """`maker` is the process that made it for itself.

        `link` is where the launcher's is found, which does not know of this process.
        """
        self.fd = fd
        self._maker = maker
        self._link = link
        self._lost = False

    @property
    def shared(self) -> bool:
        """Whether all who write have it: it was handed down, found, or made before a fork."""
        return self._maker != os.getpid() and not self._lost

    @property
    def lasting(self) -> bool:
        """Whether it stays the same file for the life of this process."""
        return self._link is None

    def renew(self) -> bool:
        """Return whether it is another file now, since a launcher has been started."""
        if self._link is None:
            return False
        try:
            if os.path.samestat(os.stat(self._link), os.fstat(self.fd)):  # noqa: PTH116
                self._lost = False
                return False
        except OSError:
            # Without a launcher only those are left who share what they made by themselves.
            self._lost = self._maker is None
            return False
        fd = _find(self._link)
        if fd is None:
            self._lost = True
            return False
        os.close(self.fd)
        self.fd, self._maker, self._lost = fd, None, False
        return True


def make(workers: int) -> int:
    """Return the descriptor of a new file, for two sets of workers (at SIGHUP) and some more."""
    fd = os.memfd_create(_NAME)
    os.ftruncate(fd, LEAST_BYTES + (2 * workers + 16) * BYTES_OF_PROCESS)
    return fd


def publish(fd: int, run_directory: Path) -> None:
    """Let processes find the file that have only the same DATA_DIR."""
    (run_directory / _LINK).symlink_to(f"/proc/{os.getpid()}/fd/{fd}")


def open_shared_file(environment: Mapping[str, str], data_dir: Path, workers: int) -> SharedFile:
    """Return the file of this process's service, or a new one where there is none yet."""
    handed_down = environment.get(VARIABLE, "")
    if handed_down.isdecimal() and _is_one(int(handed_down)):
        return SharedFile(int(handed_down))
    link = data_dir.resolve() / "run" / _LINK
    fd = _find(link)
    if fd is not None:
        return SharedFile(fd, link=link)
    return SharedFile(make(workers), os.getpid(), link)


def _find(link: Path) -> int | None:
    """Return the file that a link leads to, unless it leads nowhere any more."""
    try:
        fd = os.open(link, os.O_RDWR)
    except OSError:
        return None
    if _is_one(fd):
        return fd
    # The launcher was killed, and another program has its process id.
    os.close(fd)
    return None


def _is_one(fd: int) -> bool:
    """Whether a descriptor is that of such a file."""
    try:
        name = os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115  # it leads to no path
    except OSError:
        return False
    return name.startswith(f"/memfd:{_NAME}")
