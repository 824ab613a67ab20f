"""The signals that end a running service: SIGTERM and SIGINT."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from microservice_chassis.process.early_signals import STOP

T = TypeVar("T")


class StopAskedFor(Exception):
    """The service has been told to stop before it had started."""


class StopSignals:
    """The first asks for a clean end, the second for a quick one; then they do nothing.

    A context manager within a running event loop, to be left when everything has ended.
    """

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()

    def __enter__(self) -> Self:
        for signum in STOP:
            asyncio.get_running_loop().add_signal_handler(signum, self._take_note)
        return self

    def __exit__(self, *_: object) -> None:
        # NOTE: the loop takes its handlers away when it closes, and one more signal would give
        #   this process another status than that of the service.
        signal.pthread_sigmask(signal.SIG_BLOCK, (*STOP, signal.SIGHUP))

    async def interrupt(self, starting: Coroutine[Any, Any, T]) -> T:
        """Return what a part of the start returns, or cancel it at the first signal.

        Raises:
            StopAskedFor: it was cancelled.
        """
        started = asyncio.create_task(starting)
        asked = asyncio.create_task(self.first.wait())
        await asyncio.wait({started, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not started.done():
            started.cancel()
            await asyncio.wait({started})
        if started.cancelled():
            raise StopAskedFor
        return started.result()

    def _take_note(self) -> None:
        if self.first.is_set():
            self.second.set()
        self.first.set()
