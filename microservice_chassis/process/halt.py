"""The halt: ends a whole service from one of its workers, where it must not go on."""

from __future__ import annotations

import logging
import os
from contextlib import suppress

# The status of a worker that cannot start (gunicorn.arbiter.Arbiter.WORKER_BOOT_ERROR).
_CANNOT_START = 3

_logger = logging.getLogger(__name__)


class Halt:
    """Ends the service when it is called; made before the workers are forked."""

    def __init__(self) -> None:
        # One byte in a pipe: of all workers the one that gets it does so, and the others serve on
        # until they are told to stop.
        self._unclaimed, given = os.pipe()
        os.set_blocking(self._unclaimed, False)
        os.write(given, b"1")

    def __call__(self, reason: Exception) -> None:
        """Say why, and end this worker as one that cannot start; Gunicorn then gives up."""
        with suppress(BlockingIOError):
            os.read(self._unclaimed, 1)
            _logger.critical("EventPost stops: %s", reason)
            os._exit(_CANNOT_START)
