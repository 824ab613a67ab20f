"""A mongod of a test's own: with authentication, as a replica set, stopped and let go on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from microservice_chassis.process.embedded_mongodb import find_mongod
from microservice_chassis.process.parent_death import die_with_parent

START_TIMEOUT_S = 30.0

_POLL_INTERVAL_S = 0.02


class Mongod:
    """One mongod on a port of this machine; a context manager that starts and ends it."""

    def __init__(self, port: int, directory: Path, *arguments: str) -> None:
        """`arguments` are further ones of its command line."""
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self._directory = directory
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process
        self._process.kill()
        self._process.wait()

    @property
    def uri(self) -> str:
        return f"mongodb://{self.address}/"

    def start(self) -> None:
        """Start it, and return when it answers."""
        parent = os.getpid()
        self._directory.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [
                find_mongod(),
                *("--dbpath", str(self._directory), "--port", str(self.port)),
                *("--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"),
                *("--wiredTigerCacheSizeGB", "0.25"),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                *self._arguments,
            ],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent),
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            assert self._process.poll() is None, "mongod ended"
            assert time.monotonic() < deadline, "mongod did not answer"
            time.sleep(_POLL_INTERVAL_S)

    def command(self, command: dict[str, Any], user: str = "") -> dict[str, Any]:
        """Let it do something, on the database `admin`; `user` is a name and a password."""
        with MongoClient[dict[str, Any]](
            f"mongodb://{user}{self.address}/", directConnection=True, timeoutMS=5_000
        ) as client:
            return client.admin.command(command)

    def pause(self) -> None:
        """Stop the process where it is (SIGSTOP), each of its threads; its sockets stay open."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def go_on(self) -> None:
        """Let a stopped process go on."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def connections(self, application: str) -> int:
        """How many connections clients of that name (`appName`) have."""
        stages = [
            {"$currentOp": {"allUsers": True, "idleConnections": True}},
            {"$match": {"appName": application}},
        ]
        result = self.command({"aggregate": 1, "pipeline": stages, "cursor": {}})
        return len(result["cursor"]["firstBatch"])

    def _answers(self) -> bool:
        try:
            self.command({"ping": 1})
        except PyMongoError:
            return False
        return True
