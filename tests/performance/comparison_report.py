"""The report of a comparison: what the working tree reaches, of what another commit does."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tests.performance.cpu_time import CpuTime
from tests.performance.wrk import Result


class Sample(NamedTuple):
    """What one of the two reached under a load, once; CPU time is that of an answered request."""

    requests_per_second: float
    server_us: float
    mongod_us: float
    p99_ms: float
    errors: int

    @property
    def cpu_us(self) -> float:
        return self.server_us + self.mongod_us


class Round(NamedTuple):
    """Both, one directly after the other."""

    base: Sample
    tree: Sample


# By load.
Measured = dict[str, list[Round]]


class Ratio(NamedTuple):
    """The ratios within the rounds."""

    median: float
    lowest: float
    highest: float


class Figure(NamedTuple):
    """A line of the report."""

    name: str
    of: Callable[[Sample], float]
    form: str


FIGURES = (
    Figure("requests/s", lambda sample: sample.requests_per_second, ",.0f"),
    Figure("CPU of a request, us", lambda sample: sample.cpu_us, ",.0f"),
    Figure("- server", lambda sample: sample.server_us, ",.0f"),
    Figure("- mongod", lambda sample: sample.mongod_us, ",.0f"),
    Figure("p99, ms", lambda sample: sample.p99_ms, ",.1f"),
)

_HEAD = ("load", "figure", "base", "tree", "tree/base", "from", "to")


def sample(result: Result, taken: CpuTime) -> Sample:
    """Return what a run of wrk and the CPU time that was taken meanwhile say.

    Raises:
        ValueError: nothing was answered.
    """
    if not result.requests:
        raise ValueError("no request was answered")
    return Sample(
        result.requests_per_second,
        taken.server / result.requests * 1e6,
        taken.mongod / result.requests * 1e6,
        result.p99_ms,
        result.errors,
    )


def ratio(rounds: Sequence[Round], of: Callable[[Sample], float]) -> Ratio | None:
    """Return the working tree's figure, of that of the base: median, lowest and highest.

    None where the base has none in a round: a cached answer may cost mongod nothing.
    """
    if not all(of(each.base) for each in rounds):
        return None
    ratios = [of(each.tree) / of(each.base) for each in rounds]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def table(measured: Measured) -> Iterator[str]:
    """The lines of a table in Markdown, in columns for those who read it in a terminal."""
    rows = [_HEAD, *(row for load, rounds in measured.items() for row in _rows(load, rounds))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    ruler = ["-" * widths[0], "-" * widths[1], *("-" * (width - 1) + ":" for width in widths[2:])]
    for row in (rows[0], ruler, *rows[1:]):
        texts = [f"{row[0]:{widths[0]}}", f"{row[1]:{widths[1]}}"]
        numbers = [f"{cell:>{width}}" for cell, width in zip(row[2:], widths[2:], strict=True)]
        yield f"| {' | '.join(texts + numbers)} |"


def _rows(load: str, rounds: Sequence[Round]) -> Iterator[tuple[str, ...]]:
    for figure in FIGURES:
        base = statistics.median(figure.of(each.base) for each in rounds)
        tree = statistics.median(figure.of(each.tree) for each in rounds)
        found = ratio(rounds, figure.of)
        ratios = (f"{number:.3f}" for number in found) if found else ("", "", "")
        yield (load, figure.name, format(base, figure.form), format(tree, figure.form), *ratios)
        load = ""
    errors = (sum(each.base.errors for each in rounds), sum(each.tree.errors for each in rounds))
    yield (load, "errors", *map(str, errors), "", "", "")
