"""What JMeter measured, as figures."""

from __future__ import annotations

import csv
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

# JMeter ends by closing the connections that it still has: those answers nobody waits for.
_OWN_END = ("Socket closed", "Connection has been shut down")


class Sample(NamedTuple):
    """One request, as JMeter saw it."""

    started_s: float  # since the first request of the run
    elapsed_ms: float
    label: str
    failed: bool

    @property
    def ended_s(self) -> float:
        return self.started_s + self.elapsed_ms / 1000


class Figures(NamedTuple):
    """What some samples come to."""

    requests_per_second: float
    failed: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


def read(artifacts: Path) -> list[Sample]:
    """Return the samples of a run of Taurus, in the order in which they were started.

    Raises:
        ValueError: there are none.
    """
    rows = []
    for path in artifacts.glob("kpi*.jtl"):
        with path.open(newline="") as lines:
            rows += [row for row in csv.DictReader(lines) if not _own_end(row["responseMessage"])]
    if not rows:
        raise ValueError(f"{artifacts} holds no samples")
    start = min(int(row["timeStamp"]) for row in rows)
    samples = (
        Sample(
            (int(row["timeStamp"]) - start) / 1000,
            float(row["elapsed"]),
            row["label"],
            row["success"] != "true",
        )
        for row in rows
    )
    return sorted(samples)


def _own_end(message: str) -> bool:
    return any(end in message for end in _OWN_END)


def second_half(samples: list[Sample]) -> list[Sample]:
    """Return the samples of the time when JMeter has ramped up and warmed up."""
    after_s = samples[-1].started_s / 2
    return [sample for sample in samples if sample.started_s >= after_s]


def figures(samples: list[Sample]) -> Figures:
    """Sum up samples that were started one after the other, two or more."""
    elapsed = [sample.elapsed_ms for sample in samples]
    duration_s = max(sample.ended_s for sample in samples) - samples[0].started_s
    percentiles = statistics.quantiles(elapsed, n=100, method="inclusive")
    return Figures(
        requests_per_second=len(samples) / max(duration_s, 0.001),
        failed=sum(sample.failed for sample in samples),
        mean_ms=statistics.fmean(elapsed),
        p50_ms=percentiles[49],
        p95_ms=percentiles[94],
        p99_ms=percentiles[98],
        max_ms=max(elapsed),
    )


def by_label(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """Return the samples of each kind of request."""
    kinds: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        kinds[sample.label].append(sample)
    return dict(sorted(kinds.items()))


def per_second(samples: Iterable[Sample]) -> dict[int, tuple[int, float]]:
    """Return for each second of the run how many answers came, and their mean time in ms."""
    counts: Counter[int] = Counter()
    times: Counter[int] = Counter()
    for sample in samples:
        counts[int(sample.ended_s)] += 1
        times[int(sample.ended_s)] += round(sample.elapsed_ms)
    return {second: (counts[second], times[second] / counts[second]) for second in sorted(counts)}
