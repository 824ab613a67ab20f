"""A child of the launcher: a program of the service that starts and ends with it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from microservice_chassis.process.parent_death import die_with_parent

# What a child may take to end: Gunicorn's graceful_timeout, and a moment.
STOP_TIMEOUT_S = 6.0

# How often a part of a service may die within how long, before the service gives up.
_DEATHS = 3
_DEATHS_WITHIN_S = 60.0

_PROJECT = Path(__file__).resolve().parents[2]


class Deaths:
    """How often one part of a service has died, as long as that counts."""

    def __init__(self) -> None:
        self._deaths: list[float] = []

    def too_many(self) -> int:
        """Note a death; return how many there have been, if these are too many, or 0."""
        now_s = asyncio.get_running_loop().time()
        self._deaths = [each for each in self._deaths if each > now_s - _DEATHS_WITHIN_S] + [now_s]
        return len(self._deaths) if len(self._deaths) > _DEATHS else 0


class Child:
    """`python -m` something, in a session of its own; it dies with its parent."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls,
        *arguments: str,
        environment: Mapping[str, str],
        fds: Sequence[int],
        begin: Callable[[], None] = lambda: None,
    ) -> Self:
        """Start it; `fds` are handed down, and `begin` is called in it before anything else."""
        parent = os.getpid()

        def begin_as_child() -> None:
            die_with_parent(signal.SIGTERM, parent)
            begin()

        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *arguments),
            cwd=_PROJECT,
            env=environment,
            pass_fds=fds,
            # NOTE: a session of its own keeps it out of the terminal's Ctrl-C, which is for
            #   the launcher alone: it ends the parts in their order.
            start_new_session=True,
            preexec_fn=begin_as_child,
        )
        return cls(process)

    async def wait(self) -> int:
        """Return its status when it has ended."""
        return await self._process.wait()

    def send_signal(self, signum: signal.Signals) -> None:
        """Pass a signal on, unless there is nobody left to take it."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signum)

    async def stop(self, hurry: asyncio.Event) -> None:
        """Tell it to end; after a time, or when it is to hurry, kill it and all that it started."""
        ended = asyncio.create_task(self._process.wait())
        if self._process.returncode is None:
            self.send_signal(signal.SIGTERM)
        hurried = asyncio.create_task(hurry.wait())
        await asyncio.wait(
            {ended, hurried}, timeout=STOP_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
        )
        hurried.cancel()
        # NOTE: also where it has ended: its own children may be left, as workers are whose master
        #   was killed.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await ended
