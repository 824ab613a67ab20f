"""The run directory: where the processes of one service find each other, `DATA_DIR/run`."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Self

# The variable by which prometheus-client knows where the processes count together.
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

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
        # In which the workers count.
        self.metrics = self.path / "metrics"
        self._workers_lock: IO[bytes]
        self._held: ExitStack

    def __enter__(self) -> Self:
        with self.writing(), ExitStack() as held:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            # NOTE: the directory itself, since a file in it could be removed by hand, and the next
            #   service would lock another one of that name.
            directory = os.open(self.data_dir, os.O_RDONLY | os.O_DIRECTORY)
            held.callback(os.close, directory)
            self._lock(directory)
            workers_lock = (self.data_dir / "workers.lock").open("wb")
            self._workers_lock = held.enter_context(workers_lock)
            # What a killed service left there leads nowhere any more.
            shutil.rmtree(self.path, ignore_errors=True)
            self.path.mkdir(mode=0o700)
            self.metrics.mkdir()
            self._held = held.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._held.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around what writes to DATA_DIR.

        Raises:
            DataDirectoryFailure: it cannot be written.
        """
        try:
            yield
        except OSError as error:
            raise DataDirectoryFailure(
                f"DATA_DIR={str(self.data_dir)!r} cannot be used: {error.strerror}"
            ) from None

    @property
    def workers_lock(self) -> int:
        """The descriptor of a lock that is held until all processes have ended that have it.

        Workers whose launcher was killed may still finish a request, and do not know of the stamps
        of the next one; so that one waits until they are gone.
        """
        return self._workers_lock.fileno()

    async def lock_out_earlier_workers(self) -> None:
        """Take the workers' lock, once the workers of a launcher that was killed have ended.

        Raises:
            DataDirectoryFailure: they did not end in time.
        """
        deadline = asyncio.get_running_loop().time() + _WORKERS_END_S
        while True:
            try:
                fcntl.flock(self._workers_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if asyncio.get_running_loop().time() > deadline:
                    raise DataDirectoryFailure(
                        f"DATA_DIR={str(self.data_dir)!r} is still used by workers of a service"
                        " whose launcher was killed: end them"
                    ) from None
                await asyncio.sleep(_POLL_INTERVAL_S)
            else:
                return

    def _lock(self, directory: int) -> None:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataDirectoryFailure(
                f"DATA_DIR={str(self.data_dir)!r} is in use by another EventPost service:"
                " stop that one, or set another DATA_DIR"
            ) from None
