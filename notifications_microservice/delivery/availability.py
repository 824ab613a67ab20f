"""Whether messages can be handed in: the circuit breaker in front of the SMTP server.

A server that cannot be used stops the whole dispatcher, and no message is tried meanwhile. One
connection looks whether it is back, after pauses that grow.
"""

from __future__ import annotations

import asyncio
import logging

from notifications_microservice.delivery.connection import ServerUnavailable

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0

_logger = logging.getLogger(__name__)


class Availability:
    """Whether the SMTP server can be used, as one dispatcher knows it."""

    def __init__(self, woken: asyncio.Event) -> None:
        """`woken` is set when the server is lost, so that its dispatcher looks for its return."""
        self.lost = False
        self._woken = woken
        self._reasons: set[str] = set()
        self._pause_s = FIRST_PAUSE_S

    def lose(self, error: ServerUnavailable) -> None:
        """Begin no message until the server is back; each reason of a loss is logged once."""
        self.lost = True
        self._woken.set()
        reason = str(error)
        if reason not in self._reasons:
            self._reasons.add(reason)
            _logger.error("nothing is sent, since the SMTP server cannot be used: %s", reason)

    def come_back(self) -> None:
        """Go on."""
        self.lost = False
        self._reasons.clear()
        self._pause_s = FIRST_PAUSE_S
        _logger.warning("the SMTP server can be used again")

    def close(self) -> None:
        """Begin no message any more, as this dispatcher ends."""
        self.lost = True

    def next_pause_s(self) -> float:
        """Return how long to wait before the server is tried again."""
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return pause_s
