"""A histogram of Prometheus that takes many observations at once."""

from __future__ import annotations

from prometheus_client import Histogram

from microservice_chassis.durations import BOUNDS_S, Durations


class DurationHistogram(Histogram):
    """Durations in seconds, with the buckets that `Durations` has."""

    def __init__(
        self, name: str, documentation: str, labelnames: tuple[str, ...] = (), **others: object
    ) -> None:
        others.setdefault("buckets", BOUNDS_S)
        super().__init__(name, documentation, labelnames, **others)  # type: ignore[arg-type]

    def add(self, durations: Durations) -> None:
        """Count what has been counted in plain numbers meanwhile."""
        self._sum.inc(durations.total_s)
        for bucket, count in zip(self._buckets, durations.counts, strict=True):
            if count:
                bucket.inc(count)
