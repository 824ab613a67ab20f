"""A service that is told to stop at some moment of its start, and what is left of it then."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.process_tree import DEADLINE_S, wait_for
from tests.services import free_port

PROJECT = Path(__file__).parents[2]

# With a process namespace of its own, in which the service is process 1, as in a container.
AS_FIRST = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc")

# How long a process that has been killed may still be seen.
ENDING_S = 5.0


class Ended(NamedTuple):
    """How a service has ended."""

    status: int
    log: str
    left: list[str]  # the names of processes and the paths of files


class EarlyStop:
    """One start, with a DATA_DIR of its own; `wait` leaves nothing of it behind."""

    def __init__(self, directory: Path, prefix: Sequence[str] = (), **settings: str) -> None:
        """`prefix` is a command that starts the service."""
        directory.mkdir()
        self._data_dir = directory / "data"
        self._log_path = directory / "log"
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}"
        address = {"HOST": "127.0.0.1", "PORT": port, "DATA_DIR": str(self._data_dir)}
        # NOTE: coverage saves what it has measured before a process exits, and would wait for ever
        #   for its own lock where the signal came while it had it.
        unmeasured = {"COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""}
        with self._log_path.open("wb") as log:
            self._started = subprocess.Popen(
                [*prefix, sys.executable, "-m", "events_microservice"],
                cwd=PROJECT,
                env={**os.environ, **address, **unmeasured, **settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wrapped = bool(prefix)

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log_path.read_text()

    def wait_until_handled(self) -> None:
        """Return when the service has handlers for the signals: at its first line."""
        wait_for(self._handled)

    def send(self, signum: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        for launcher in self._launchers():
            with suppress(ProcessLookupError):
                os.kill(launcher.pid, signum)

    def wait(self) -> Ended:
        """Return how it ended; whoever is left is killed, and its data are removed."""
        try:
            status = self._started.wait(DEADLINE_S)
        finally:
            left = self._left()
            names = [process.name() for process in left]
            for process in left:
                process.kill()
            if self._started.poll() is None:
                self._started.kill()
                self._started.wait()
        run = self._data_dir / "run"
        ended = Ended(status, self.log, names + [str(run)] * run.exists())
        # NOTE: an embedded MongoDB takes 300 MB of the disk at once.
        shutil.rmtree(self._data_dir, ignore_errors=True)
        return ended

    def _launchers(self) -> list[psutil.Process]:
        """The launcher, unless it has ended or not begun yet."""
        try:
            started = psutil.Process(self._started.pid)
            return started.children() if self._wrapped else [started]
        except psutil.NoSuchProcess:
            return []

    def _handled(self) -> bool:
        for launcher in self._launchers():
            with suppress(OSError), Path(f"/proc/{launcher.pid}/status").open() as lines:
                (caught,) = (int(line.split()[1], 16) for line in lines if line[:6] == "SigCgt")
                # NOTE: SIGHUP is the last for which it gets one.
                return bool(caught >> (signal.SIGHUP - 1) & 1)
        return False

    def _left(self) -> list[psutil.Process]:
        """The processes of this start that do not end."""
        deadline = time.monotonic() + ENDING_S
        while (left := self._processes()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left

    def _processes(self) -> list[psutil.Process]:
        """The processes that were started with this DATA_DIR."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("DATA_DIR") == str(self._data_dir):
                    found.append(process)
        return found
