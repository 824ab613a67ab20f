"""A service as a child process: for development, benchmarks and tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Self
from urllib.request import ProxyHandler, build_opener

from microservice_chassis.process.parent_death import die_with_parent
from microservice_chassis.settings import ServerSettings, read_settings

READY_TIMEOUT_S = 40.0
STOP_TIMEOUT_S = 15.0

_POLL_INTERVAL_S = 0.02
# A proxy that is set for others (http_proxy) leads away from this machine.
_direct = build_opener(ProxyHandler({}))

_PROJECT = Path(__file__).resolve().parent.parent


class ServiceFailure(Exception):
    """A service ended, or did not become ready in time."""


class ServiceProcess:
    """`python -m <module>` with some settings; a context manager that starts and stops it."""

    def __init__(
        self,
        module: str,
        settings: Mapping[str, str],
        output: IO[bytes] | None = None,
        project: Path = _PROJECT,
    ) -> None:
        """`settings` are added to the environment; `output` is where the log goes, or stderr.

        `project` is the folder that has the module.
        """
        self.module = module
        self.url = f"http://{read_settings(ServerSettings, settings).address}"
        self._environment = {**os.environ, **settings}
        self._output = output
        self._project = project
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process; `wait_until_ready` tells when it serves."""
        parent = os.getpid()
        self.process = subprocess.Popen(
            (sys.executable, "-m", self.module),
            cwd=self._project,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            # NOTE: Ctrl-C is for the parent, which then stops its services in their order.
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGTERM, parent),
        )

    def wait_until_ready(self) -> None:
        """Return when the service answers that it is ready.

        Raises:
            ServiceFailure: it ended before, or READY_TIMEOUT_S were not enough.
        """
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            self.check()
            with suppress(OSError), _direct.open(f"{self.url}/health/ready", timeout=2):
                return
            time.sleep(_POLL_INTERVAL_S)
        raise ServiceFailure(f"{self.module} was not ready within {READY_TIMEOUT_S:.0f} s")

    def check(self) -> None:
        """Return while the process runs.

        Raises:
            ServiceFailure: it has ended.
        """
        assert self.process
        if self.process.poll() is not None:
            raise ServiceFailure(f"{self.module} ended with status {self.process.returncode}")

    def stop(self) -> int:
        """Tell the service to stop, and return its status; after STOP_TIMEOUT_S kill it."""
        assert self.process
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
