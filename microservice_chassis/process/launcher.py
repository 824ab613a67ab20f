"""The launcher: a whole service as one tree of processes, which starts and ends as one.

launcher ─┬─ mongod             only where MONGODB_URI is not set
          ├─ gunicorn master ── 7 workers
          └─ companions         what a service runs beside, like a dispatcher
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from microservice_chassis.process import shared_file
from microservice_chassis.process.child import Child, Deaths
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB, MongoDBFailure
from microservice_chassis.process.log import configure_log, last_line_in
from microservice_chassis.process.parent_death import die_with_parent
from microservice_chassis.process.run_directory import (
    METRICS_VARIABLE,
    DataDirectoryFailure,
    RunDirectory,
)
from microservice_chassis.process.stop_signals import StopAskedFor, StopSignals
from microservice_chassis.settings import ServerSettings, ServiceSettings, settings_or_exit

# How long a companion rests that has died, before it is started again.
_REST_S = 0.5

S = TypeVar("S", bound=ServiceSettings)

_PROJECT = Path(__file__).resolve().parents[2]

_logger = logging.getLogger(__name__)


class Program(NamedTuple):
    """What a service is made of: the module of its ASGI application, and those run beside it."""

    application: str
    companions: Sequence[str]


def launch(
    application: str,
    kind: type[S],
    companions: Callable[[S], Sequence[str]] = lambda _: (),
) -> None:
    """Run the service whose ASGI application is in the module `application`, and exit.

    `companions` names the modules that it runs beside with some settings; each is started again
    when it dies. The status is 0 after SIGTERM or SIGINT, and 1 where a part of the service failed.
    """
    settings = settings_or_exit(kind, os.environ)
    configure_log(settings.log_level, settings.log_format)
    with last_line_in(settings.log_format):
        check_address(settings)
        if settings.mongodb_uri is not None:
            _check_application(application)
        try:
            program = Program(application, companions(settings))
            failure = asyncio.run(_run(program, settings))
        except (DataDirectoryFailure, MongoDBFailure) as error:
            raise SystemExit(f"EventPost cannot start: {error}") from None
        sys.exit(failure and f"EventPost stopped: {failure}")


def check_address(settings: ServerSettings) -> None:
    """End the process with a clear line where nothing can listen; Gunicorn would try again."""
    # NOTE: as Gunicorn does; it takes a name for one of an IPv4 address.
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    address = (settings.host, settings.port)
    try:
        socket.create_server(
            address, family=family, dualstack_ipv6=family is socket.AF_INET6
        ).close()
    except OSError as error:
        raise SystemExit(
            f"EventPost cannot start: HOST={settings.host} PORT={settings.port}"
            f" cannot be listened on: {error.strerror}"
        ) from None


def _check_application(application: str) -> None:
    """End the process where the workers could not make the application; it has said why."""
    parent = os.getpid()
    # NOTE: in a process of its own, which has more to import than a launcher should keep.
    made = subprocess.run(
        (sys.executable, "-c", f"from {application} import application"),
        cwd=_PROJECT,
        check=False,
        preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent),
    )
    if made.returncode:
        sys.exit(1)


async def _run(program: Program, settings: ServiceSettings) -> str | None:
    """Run the service until it is told to stop, or fails; return why it failed."""
    fd = shared_file.make(settings.web_concurrency)
    with StopSignals() as stop, suppress(StopAskedFor), ExitStack() as parts:
        run = RunDirectory(Path(settings.data_dir))
        if settings.mongodb_uri is not None:
            try:
                await stop.interrupt(_enter(run, fd, parts))
            except DataDirectoryFailure as failure:
                # NOTE: only a process that is started by hand needs it.
                _logger.info("no process that is started by hand can join: %s", failure)
                return await _serve(program, settings.mongodb_uri, [fd], stop)
            fds = [fd, run.workers_lock]
            return await _serve(program, settings.mongodb_uri, fds, stop, metrics=run.metrics)
        await stop.interrupt(_enter(run, fd, parts))
        mongodb = parts.enter_context(EmbeddedMongoDB(run, cache_mb=settings.embedded_cache_mb))
        try:
            await stop.interrupt(mongodb.start())
            fds = [fd, run.workers_lock]
            return await _serve(
                program, mongodb.uri, fds, stop, _keep_alive(mongodb), metrics=run.metrics
            )
        finally:
            await mongodb.stop()
    return None


async def _enter(run: RunDirectory, shared: int, parts: ExitStack) -> None:
    """Have the run directory for this launcher alone, with the shared file in it."""
    parts.enter_context(run)
    await run.lock_out_earlier_workers()
    with run.writing():
        shared_file.publish(shared, run.path)


async def _serve(
    program: Program,
    mongodb_uri: str,
    fds: Sequence[int],
    stop: StopSignals,
    *others: Awaitable[str],
    metrics: Path | None = None,
) -> str | None:
    """Run Gunicorn until it is to stop, or it or one of `others` ends; return why it failed.

    `fds` are handed down; the first one is that of the shared file. `metrics` is the directory in
    which the workers count; without one Gunicorn makes its own.
    """
    environment = {**os.environ, "MONGODB_URI": mongodb_uri, shared_file.VARIABLE: str(fds[0])}
    environment.pop("MONGODB_URI_FILE", None)
    if metrics is not None:
        environment[METRICS_VARIABLE] = str(metrics)
    gunicorn = await Child.start(
        *("gunicorn", program.application), environment=environment, fds=fds, begin=_ignore_sighup
    )
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGHUP, gunicorn.send_signal, signal.SIGHUP
    )
    stopped = asyncio.create_task(stop.first.wait())
    ended = asyncio.create_task(gunicorn.wait())
    failed = [asyncio.ensure_future(other) for other in others] + [
        asyncio.create_task(_accompany(module, environment, fds, stop))
        for module in program.companions
    ]
    await asyncio.wait({stopped, ended, *failed}, return_when=asyncio.FIRST_COMPLETED)
    failure = next((future.result() for future in failed if future.done()), None)
    if ended.done() and not stopped.done():
        failure = f"Gunicorn ended with status {ended.result()}"
    for future in (stopped, *failed):
        future.cancel()
    await gunicorn.stop(stop.second)
    await asyncio.gather(*failed, return_exceptions=True)
    return failure


def _ignore_sighup() -> None:
    # NOTE: until Gunicorn has a handler for it, SIGHUP would end it; a master that has just been
    #   started has nothing to replace.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


async def _accompany(
    module: str, environment: Mapping[str, str], fds: Sequence[int], stop: StopSignals
) -> str:
    """Run a companion, and start it again when it dies; return why that became useless."""
    deaths = Deaths()
    while True:
        companion = await Child.start(module, environment=environment, fds=fds)
        try:
            status = await companion.wait()
        finally:
            await companion.stop(stop.second)
        number = deaths.too_many()
        if number:
            return f"{module} died {number} times in a minute"
        _logger.error("%s ended with status %s: starting it again", module, status)
        await asyncio.sleep(_REST_S)


async def _keep_alive(mongodb: EmbeddedMongoDB) -> str:
    """Start the embedded MongoDB again whenever it dies; return why that became useless."""
    deaths = Deaths()
    while True:
        status = await mongodb.wait()
        number = deaths.too_many()
        if number:
            return f"MongoDB died {number} times in a minute"
        _logger.error("MongoDB ended with status %s: starting it again", status)
        try:
            await mongodb.start()
        except (DataDirectoryFailure, MongoDBFailure) as error:
            _logger.error("%s", error)
