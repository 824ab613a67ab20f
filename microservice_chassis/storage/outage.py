"""What the log says of a MongoDB that is lost: one line when it is, and one when it is back."""

from __future__ import annotations

import logging
import mmap
import struct

from microservice_chassis.errors import DatabaseRefusal, DatabaseUnavailable

# Whether the loss has been reported, and when MongoDB was back after the last one, in seconds.
_REPORT = struct.Struct("?d")

_logger = logging.getLogger(__name__)


class Outage:
    """Whether MongoDB is lost: to this worker, and as the log of its container says."""

    def __init__(self) -> None:
        self._unreachable = False
        self._refused = False
        # The report of all workers that were forked from this process.
        self._report = mmap.mmap(-1, _REPORT.size)

    def lost(self, error: DatabaseUnavailable, came_s: float) -> None:
        """Take note of an operation that has failed, and of when somebody asked for it.

        One that came before MongoDB was back tells of the loss that is over: while MongoDB
        begins to answer, another worker may still be told that time ran out.
        """
        if isinstance(error, DatabaseRefusal):
            self._unreachable, self._refused = False, True
        else:
            self._unreachable = True
        reported, back_s = _REPORT.unpack_from(self._report)
        if not reported and came_s > back_s:
            _REPORT.pack_into(self._report, 0, True, back_s)
            _logger.warning("MongoDB is unavailable: %s", error)

    def answered(self, now_s: float, *, write: bool) -> None:
        """Take note of an operation that was answered; of rights only a `write` tells."""
        if not (self._unreachable or self._refused):
            return
        self._unreachable = False
        self._refused = self._refused and not write
        reported, _ = _REPORT.unpack_from(self._report)
        if reported and not self._refused:
            _REPORT.pack_into(self._report, 0, False, now_s)
            _logger.warning("MongoDB is available again")
