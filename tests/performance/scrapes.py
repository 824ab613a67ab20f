"""Scrapes of a service's metrics, one after the other, and what Prometheus would tell of them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Self

from tests.scraped import Sample, scrape
from tests.services import Service

_INTERVAL_S = 1.0

# Over how many scrapes a rate is taken: workers hand over once a second, too, so that of what one
# of them has counted a second may have none, or twice as much.
WINDOW = 3


class Scrape(NamedTuple):
    """What a service told, and when."""

    at_s: float
    samples: Mapping[Sample, float]

    def total(self, name: str, **labels: Sequence[str]) -> float:
        """Return the sum of the samples of that name; a label has one of the values given."""
        return sum(
            number
            for (each, given), number in self.samples.items()
            if each == name and _has(dict(given), labels)
        )


class Scrapes:
    """Scrapes a service once a second; a context manager that begins and ends that.

    Its end raises what kept it from scraping.
    """

    def __init__(self, service: Service) -> None:
        self.taken: list[Scrape] = []
        self._service = service
        self._ended = threading.Event()
        self._thread = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Self:
        self._began_s = time.monotonic()
        self._scraping = self._thread.submit(self._scrape)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.shutdown()
        self._scraping.result()

    @property
    def now_s(self) -> float:
        """How long ago it began."""
        return time.monotonic() - self._began_s

    def _scrape(self) -> None:
        while not self._ended.wait(max(0.0, len(self.taken) * _INTERVAL_S - self.now_s)):
            at_s = self.now_s
            self.taken.append(Scrape(at_s, scrape(self._service)))


def rates(taken: Sequence[Scrape], name: str, **labels: Sequence[str]) -> list[float]:
    """Return how much a counter grew in a second, in the window that ends with each scrape."""
    return [
        (last.total(name, **labels) - first.total(name, **labels)) / (last.at_s - first.at_s)
        for first, last in windows(taken)
    ]


def quantiles(
    taken: Sequence[Scrape], part: float, name: str, **labels: Sequence[str]
) -> list[float | None]:
    """Return a quantile of a histogram, in the window that ends with each scrape.

    It is None where nothing happened.
    """
    found = []
    for first, last in windows(taken):
        bounds = {
            bound
            for (each, given), _ in last.samples.items()
            if each == f"{name}_bucket" and (bound := dict(given).get("le"))
        }
        grown = {
            float(bound): last.total(f"{name}_bucket", le=[bound], **labels)
            - first.total(f"{name}_bucket", le=[bound], **labels)
            for bound in bounds
        }
        found.append(quantile(part, grown))
    return found


def quantile(part: float, buckets: Mapping[float, float]) -> float | None:
    """Return a quantile as `histogram_quantile` of Prometheus estimates it, or None.

    `buckets` has how many were up to each bound; within a bucket they are spread evenly, and of
    those above the highest bound nothing is known but that.
    """
    wanted = part * buckets.get(math.inf, 0)
    below_bound, below = 0.0, 0.0
    for bound, reached in sorted(buckets.items()):
        if reached >= wanted > 0:
            if math.isinf(bound):
                return below_bound
            return below_bound + (bound - below_bound) * (wanted - below) / (reached - below)
        below_bound, below = bound, reached
    return None


def windows(taken: Sequence[Scrape]) -> list[tuple[Scrape, Scrape]]:
    """Return the first and the last scrape of each window."""
    return list(zip(taken, taken[WINDOW:], strict=False))


def _has(given: Mapping[str, str], wanted: Mapping[str, Sequence[str]]) -> bool:
    return all(given.get(label) in values for label, values in wanted.items())
