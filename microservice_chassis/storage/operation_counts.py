"""What one worker counts of its operations at MongoDB, in plain numbers."""

from __future__ import annotations

from typing import Literal, NamedTuple

from microservice_chassis.durations import Durations

# MongoDB did it; it answered with an error; it does not let this user do it; it could not be
# reached, or not in time.
Outcome = Literal["answered", "error", "refused", "unavailable"]


class Kind(NamedTuple):
    """What the operations have in common that are counted together."""

    write: bool
    outcome: Outcome


class OperationCounts:
    """The operations of one worker that passed its bulkhead."""

    def __init__(self) -> None:
        self._ended: dict[Kind, Durations] = {}

    def ended(self, duration_s: float, outcome: Outcome, *, write: bool) -> None:
        """Count an operation, which took so long since it began."""
        self._ended.setdefault(Kind(write, outcome), Durations()).add(duration_s)

    def take_ended(self) -> dict[Kind, Durations]:
        """Return how long those took that have ended since this was called last."""
        taken, self._ended = self._ended, {}
        return taken
