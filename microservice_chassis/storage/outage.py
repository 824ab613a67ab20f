"""What the log says of a MongoDB that is lost: one line when it is, and one when it is back."""

from __future__ import annotations

import logging
import mmap

from microservice_chassis.errors import DatabaseRefusal, DatabaseUnavailable

_logger = logging.getLogger(__name__)


class Outage:
    """Whether MongoDB is lost: to this worker, and as the log of its container says."""

    def __init__(self) -> None:
        self._unreachable = False
        self._refused = False
        # Whether the loss has been reported, by any worker that was forked from this process.
        self._reported = mmap.mmap(-1, 1)

    def lost(self, error: DatabaseUnavailable) -> None:
        """Take note of an operation that has failed."""
        if isinstance(error, DatabaseRefusal):
            self._unreachable, self._refused = False, True
        else:
            self._unreachable = True
        if not self._reported[0]:
            self._reported[0] = True
            _logger.warning("MongoDB is unavailable: %s", error)

    def answered(self, *, write: bool) -> None:
        """Take note of an operation that was answered; of rights only a `write` tells."""
        if not (self._unreachable or self._refused):
            return
        self._unreachable = False
        self._refused = self._refused and not write
        if self._reported[0] and not self._refused:
            self._reported[0] = False
            _logger.warning("MongoDB is available again")
