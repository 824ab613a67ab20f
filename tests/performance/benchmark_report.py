"""The report of the benchmark: medians of the rounds, and ratios within them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from tests.performance.machine import machine
from tests.performance.wrk import Result

# The servers that every other one is compared with.
NOTHING = "nothing"
NULL = "null"

MANY_CONNECTIONS = 1000


class Row(NamedTuple):
    """What is measured: a server under a load."""

    load: str
    server: str
    answer: str = ""  # what it answers, where that is not 200

    @property
    def name(self) -> str:
        return f"{self.server}, {self.answer}" if self.answer else self.server


# Round by round; loads that run at the same time, like readers and writers, are listed.
Measured = dict[Row, list[list[Result]]]


class Memory(NamedTuple):
    """What the processes of one service take, in MB, with what they share counted once (PSS)."""

    gunicorn: float
    mongod: float
    all: float


class Run(NamedTuple):
    """How it was measured."""

    rounds: int
    seconds: int
    at: datetime


def rate(results: list[Result]) -> float:
    """Return the requests per second of loads that ran at the same time."""
    return sum(each.requests_per_second for each in results)


def median_rate(measured: Measured, row: Row) -> float:
    """Return the median of the rounds' requests per second."""
    return statistics.median(map(rate, measured[row]))


def ratio(measured: Measured, row: Row, other: Row) -> float:
    """Return the median of the ratios within the rounds.

    The machine becomes slower and faster as the rounds go by; within a round that matters less.
    """
    pairs = zip(measured[row], measured[other], strict=True)
    return statistics.median(rate(one) / rate(beside) for one, beside in pairs)


def table(measured: Measured) -> Iterator[str]:
    """The rows in Markdown, each beside `nothing` and `null` under the same load."""
    yield "| load | server | requests/s | of nothing | of null | mean | p99 | errors |"
    yield "|---|---|---|---|---|---|---|---|"
    for row, rounds in measured.items():
        loads = list(zip(*rounds, strict=True))
        errors = sum(each.errors for load in loads for each in load)
        cells = [
            row.load,
            row.name,
            f"{median_rate(measured, row):,.0f}",
            _beside(measured, row, NOTHING),
            _beside(measured, row, NULL),
            _times(loads, lambda each: each.mean_ms),
            _times(loads, lambda each: each.p99_ms),
            str(errors),
        ]
        yield f"| {' | '.join(cells)} |"


def _beside(measured: Measured, row: Row, server: str) -> str:
    other = Row(row.load, server)
    return f"{ratio(measured, row, other):.2f}" if other in measured and other != row else ""


def _times(loads: list[tuple[Result, ...]], of: Callable[[Result], float]) -> str:
    return " / ".join(f"{statistics.median(map(of, load)):.1f}" for load in loads) + " ms"


def page(measured: Measured, few_and_many: list[tuple[Row, Row]], memory: Memory, run: Run) -> str:
    """Return the report, in Markdown.

    `few_and_many` are rows that differ only in the number of their connections.
    """
    many = [f"{more.name} {ratio(measured, more, fewer):.2f}" for fewer, more in few_and_many]
    taken = (
        f"{memory.gunicorn:.0f} MB Gunicorn's processes, "
        f"{memory.mongod:.0f} MB mongod, {memory.all:.0f} MB with the launcher, in all"
    )
    lines = [
        "# Benchmark",
        "",
        f"Written by `./invoke bench --rounds {run.rounds} --seconds {run.seconds}`;",
        "[performance.md](performance.md) tells what is measured and how to read it.",
        f"Measured on {run.at:%d %B %Y} on {machine()}, which wrk and the servers share.",
        f"Rounds: {run.rounds}, in each of which every row had {run.seconds} s.",
        "Rates and times are medians of the rounds, ratios are medians of the ratios within them,",
        "errors are those of all rounds. 10 connections where nothing else is said.",
        "",
        *table(measured),
        "",
        f"The rate with {MANY_CONNECTIONS:,} connections, of that with 10: {', '.join(many)}.",
        "",
        f"Memory of a service with 7 workers and `CACHE_TYPE=simple` (PSS): {taken}.",
        "",
        "![Requests per second of each row](images/benchmark.png)",
    ]
    return "\n".join(lines) + "\n"
