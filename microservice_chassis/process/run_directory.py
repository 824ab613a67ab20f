"""The run directory: where the processes of one service find each other, `DATA_DIR/run`."""

from __future__ import annotations

import fcntl
import shutil
import time
from pathlib import Path
from typing import IO, Self

# Longer than workers go on without a master: Gunicorn's graceful_timeout, and a moment.
_WORKERS_END_S = 8.0
_POLL_INTERVAL_S = 0.05


class DataDirectoryFailure(Exception):
    """A DATA_DIR cannot be used; the message says why, and what would help."""


class RunDirectory:
    """The run directory of one launcher; a context manager that holds the lock on DATA_DIR.

    Raises on entering:
        DataDirectoryFailure: another service uses the directory, or it cannot be written.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.path = self.data_dir / "run"
        self._lock: IO[bytes]
        self._workers_lock: IO[bytes]

    def __enter__(self) -> Self:
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._lock = (self.data_dir / "lock").open("wb")
            self._take(self._lock)
            self._workers_lock = (self.data_dir / "workers.lock").open("wb")
            self._wait_for_workers(self._workers_lock)
            # What a killed service left there leads nowhere any more.
            shutil.rmtree(self.path, ignore_errors=True)
            self.path.mkdir(mode=0o700)
        except OSError as error:
            raise DataDirectoryFailure(
                f"DATA_DIR={str(self.data_dir)!r} cannot be used: {error.strerror}"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._workers_lock.close()
        self._lock.close()

    @property
    def workers_lock(self) -> int:
        """The descriptor of a lock that is held until all processes have ended that have it.

        Workers whose launcher was killed may still finish a request, and do not know of the stamps
        of the next one; so that one waits until they are gone.
        """
        return self._workers_lock.fileno()

    def _take(self, lock: IO[bytes]) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise DataDirectoryFailure(
                f"DATA_DIR={str(self.data_dir)!r} is in use by another EventPost service:"
                " stop that one, or set another DATA_DIR"
            ) from None

    def _wait_for_workers(self, lock: IO[bytes]) -> None:
        deadline = time.monotonic() + _WORKERS_END_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DataDirectoryFailure(
                        f"DATA_DIR={str(self.data_dir)!r} is still used by workers of a service"
                        " whose launcher was killed: end them"
                    ) from None
                time.sleep(_POLL_INTERVAL_S)
            else:
                return
