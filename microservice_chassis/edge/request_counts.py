"""What one worker counts of its requests, in plain numbers that somebody takes now and then."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from microservice_chassis.durations import Durations


class Kind(NamedTuple):
    """What the requests have in common that are counted together.

    `route` is a template, or empty where a path leads nowhere; `cache` is the value of the
    answer's Cache-Status, or None where the response cache was not asked.
    """

    route: str
    method: str
    status: int
    cache: bytes | None


class RequestCounts:
    """The requests of one worker."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._answered: dict[tuple[str, str, int, bytes | None], Durations] = {}
        self._cut_off = 0
        self._refused: Counter[int] = Counter()

    def answered(
        self, route: str, method: str, status: int, cache: bytes | None, duration_s: float
    ) -> None:
        """Count a request that has been answered; `Kind` says what the arguments are."""
        # NOTE: a plain tuple, which costs a hit a third of what a Kind does.
        kind = (route, method, status, cache)
        durations = self._answered.get(kind)
        if durations is None:
            durations = self._answered[kind] = Durations()
        durations.add(duration_s)

    def cut_off(self) -> None:
        """Count an answer that had begun and could not be completed."""
        self._cut_off += 1

    def refused(self, _request_id: str, status: int, _detail: str) -> None:
        """Count a request that the server has refused, in front of every application."""
        self._refused[status] += 1

    def take_answered(self) -> dict[Kind, Durations]:
        """Return how long the requests took that have been answered since this was called last."""
        taken, self._answered = self._answered, {}
        return {Kind(*kind): durations for kind, durations in taken.items()}

    def take_cut_off(self) -> int:
        """Return how many answers have been cut off since this was called last."""
        taken, self._cut_off = self._cut_off, 0
        return taken

    def take_refused(self) -> Counter[int]:
        """Return how many refusals of each status there were since this was called last."""
        taken, self._refused = self._refused, Counter()
        return taken
