"""The directory in which the workers keep what they count, so that each can tell the sum of all.

prometheus-client has files for each process in it (its documentation, "Multiprocess Mode"). Here
they are named by the number of a worker, which the next one gets when that one has ended, and
goes on counting: so there are no more files than there have been workers at once.
"""

from __future__ import annotations

import atexit
import functools
import logging
import os
import shutil
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

from prometheus_client import multiprocess, values

from microservice_chassis.process.run_directory import METRICS_VARIABLE

# The files of a worker, and how many bytes each has from the beginning. More than it needs, for
# it is mapped into memory: on a full disk, to write where nothing has been allocated ends a
# process (SIGBUS, mmap(2)).
_FILES = {
    "counter": 512 * 1024,
    "histogram": 1024 * 1024,
    "gauge_livemax": 64 * 1024,
    "gauge_livemin": 64 * 1024,
    "gauge_livesum": 64 * 1024,
}

_logger = logging.getLogger(__name__)


class MetricsDirectory:
    """The directory, as Gunicorn's master has it, and the numbers of the workers."""

    def __init__(self, path: Path, *, made: bool) -> None:
        """`made` says that this process has made it, and nobody else will remove it."""
        self.path = path
        self._maker = os.getpid() if made else None
        self._taken: set[int] = set()

    def take(self) -> int | None:
        """Return the least number that no worker has, or None where there is no room for its files.

        Such a worker counts for itself.
        """
        number = next(each for each in range(len(self._taken) + 1) if each not in self._taken)
        try:
            for prefix, size in _FILES.items():
                _allocate(self.path / f"{prefix}_{number}.db", size)
        except OSError as error:
            _logger.warning("a worker is not in the metrics: %s: %s", self.path, error.strerror)
            return None
        self._taken.add(number)
        return number

    def use(self, number: int | None) -> None:
        """Have this process, a worker, keep what it counts under its number."""
        if number is None:
            values.ValueClass = values.MutexValue
        else:
            numbered = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
            values.ValueClass = numbered

    def give_back(self, number: int | None) -> None:
        """Free the number of a worker that has ended: what it has counted stays."""
        if number is not None:
            path = str(self.path)
            multiprocess.mark_process_dead(number, path)  # type: ignore[no-untyped-call]
            self._taken.discard(number)

    def remove(self) -> None:
        """Remove the directory, unless it is for others to do so: a worker inherits it."""
        if self._maker == os.getpid():
            shutil.rmtree(self.path, ignore_errors=True)


def metrics_directory(environment: MutableMapping[str, str]) -> MetricsDirectory | None:
    """Return the directory that the environment names, or one that is made, and named there.

    One that is made is removed when this process ends. None where none can be made: then there are
    no metrics, and a line says so.

    Raises:
        SystemExit: the one that is named cannot be used; the line says why.
    """
    if METRICS_VARIABLE not in environment:
        try:
            path = tempfile.mkdtemp(prefix="eventpost-metrics-")
        except OSError as error:
            _logger.warning("there are no metrics, for want of a directory: %s", error.strerror)
            return None
        environment[METRICS_VARIABLE] = path
        directory = _the_directory(path, made=True)
        # NOTE: Gunicorn's on_exit is not called where the application refuses to start.
        atexit.register(directory.remove)
        return directory
    path = environment[METRICS_VARIABLE]
    if not os.access(path, os.W_OK | os.X_OK) or not Path(path).is_dir():
        raise SystemExit(
            f"EventPost cannot start: {METRICS_VARIABLE}={path!r} cannot be used:"
            " it must be a directory that can be written, or not set"
        )
    return _the_directory(path, made=False)


@functools.cache
def _directories() -> dict[str, MetricsDirectory]:
    """Return those of this process, which outlive a SIGHUP as the workers' numbers do."""
    return {}


def _the_directory(path: str, *, made: bool) -> MetricsDirectory:
    return _directories().setdefault(path, MetricsDirectory(Path(path), made=made))


def _allocate(path: Path, size: int) -> None:
    """See to it that there is a file of this size, all of it on the disk; one that is there stays.

    It appears as a whole: a worker that adds up the files must not find an empty one.
    """
    if path.exists():
        return
    unfinished = path.with_suffix(".unfinished")
    fd = os.open(unfinished, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError:
        unfinished.unlink()
        raise
    finally:
        os.close(fd)
    unfinished.rename(path)
