"""Cancellation that does not get lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

_AGAIN_S = 0.1


async def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and return when all have ended, however they did."""
    pending = set(tasks)
    while pending:
        # NOTE: a cancellation can get lost in asyncio.wait_for() before Python 3.12, which the
        #   clients of SMTP and MongoDB call (python/cpython#86296).
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_S)
