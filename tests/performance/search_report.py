"""The report of the searches: times, growth with the number of events, and what was examined."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from tests.performance.machine import machine
from tests.performance.search_measurement import Measured, Sample
from tests.performance.search_queries import FAR_PAGE, PAGE, Search
from tests.performance.search_service import CACHE_MB, Preparation
from tests.performance.search_writes import Cost, Round

# How many times the p50 with the fewest events a scaling search may take, by number of events.
SCALING = {100_000: 5, 1_000_000: 25}
WORST_MS = 1000
EXAMINED = 2
WRITING = 2.5


class Run(NamedTuple):
    """How it was measured."""

    sizes: Sequence[int]
    values: int
    written_at: int  # the number of events
    at: datetime


def table(searches: Sequence[Search], measured: Measured, sizes: Sequence[int]) -> Iterator[str]:
    """The searches in Markdown; what is examined is told of the most events."""
    heads = [f"{size:,}" for size in sizes]
    growth = [f"{size:,} / {sizes[0]:,}" for size in sizes[1:]]
    columns = [
        *("search", *heads, *growth),
        *("worst", "events", "documents", "keys", "index"),
    ]
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for search in searches:
        samples = [measured[search.name][size] for size in sizes]
        p50 = [statistics.median(each.took_ms) for each in samples]
        examined = samples[-1].examined
        cells = [
            search.name,
            *(f"{each:.1f}" for each in p50),
            *(f"{each / p50[0]:.1f}" for each in p50[1:]),
            f"{max(max(each.took_ms) for each in samples):.0f}",
            f"{statistics.median(each.returned for each in examined):.0f}",
            f"{statistics.median(each.documents for each in examined):,.0f}",
            f"{statistics.median(each.keys for each in examined):,.0f}",
            ", ".join(sorted({f"`{each.by}`" for each in examined})),
        ]
        yield f"| {' | '.join(cells)} |"


def missed(searches: Sequence[Search], measured: Measured, sizes: Sequence[int]) -> Iterator[str]:
    """One line for each target that was missed."""
    for search in searches:
        by_size = measured[search.name]
        first = statistics.median(by_size[sizes[0]].took_ms)
        for size, sample in by_size.items():
            grown = statistics.median(sample.took_ms) / first
            if search.scaling and grown > SCALING.get(size, grown):
                yield (
                    f"{search.name}: {grown:.1f} times the time at {size:,} events,"
                    f" at most {SCALING[size]} was the target"
                )
            if (worst := max(sample.took_ms)) > WORST_MS:
                yield f"{search.name}: one request of {worst:,.0f} ms at {size:,} events"
            if search.exact and (ratio := _ratio(sample)) > EXAMINED:
                yield f"{search.name}: {ratio:.1f} documents for each found at {size:,} events"


def _ratio(sample: Sample) -> float:
    """Return the documents examined for each that was found, at worst; one more is no matter."""
    return max((each.documents - 1) / max(each.returned, 1) for each in sample.examined)


def preparations(prepared: Mapping[int, Preparation]) -> Iterator[str]:
    """The times of migrations and of building the indexes, in Markdown."""
    yield "| events | load, s | migration, s | indexes, s | documents, MB | indexes, MB |"
    yield "|---|---|---|---|---|---|"
    for size, each in prepared.items():
        yield f"| {size:,} | {' | '.join(f'{figure:,.1f}' for figure in each)} |"


def writes(rounds: Sequence[Round]) -> Iterator[str]:
    """What a POST costs, in Markdown."""
    figures: dict[str, Callable[[Cost], float]] = {
        "p50 of the time, ms": lambda cost: cost.took_ms,
        "CPU, us": lambda cost: cost.cpu_us,
        "of the service": lambda cost: cost.server_us,
        "of mongod": lambda cost: cost.mongod_us,
    }
    yield "| of a POST | without indexes | with them | ratio | from | to |"
    yield "|---|---|---|---|---|---|"
    for name, of in figures.items():
        ratios = [of(each.indexed) / of(each.without) for each in rounds]
        cells = [
            name,
            f"{statistics.median(of(each.without) for each in rounds):,.2f}",
            f"{statistics.median(of(each.indexed) for each in rounds):,.2f}",
            f"{statistics.median(ratios):.2f}",
            f"{min(ratios):.2f}",
            f"{max(ratios):.2f}",
        ]
        yield f"| {' | '.join(cells)} |"


def page(
    searches: Sequence[Search],
    measured: Measured,
    prepared: Mapping[int, Preparation],
    written: Sequence[Round],
    run: Run,
) -> str:
    """Return the report, in Markdown."""
    targets = list(missed(searches, measured, run.sizes))
    lines = [
        "# Benchmark of searching",
        "",
        f"Written by `./invoke bench-search --values {run.values}`;",
        "[search.md](search.md) tells how searching works, and which index serves what.",
        f"Measured on {run.at:%d %B %Y} on {machine()}, which the services and the client share.",
        "",
        f"Over HTTP with `CACHE_TYPE=null` and `EMBEDDED_CACHE_MB={CACHE_MB}`, one client,"
        f" pages of {PAGE}.",
        f"Each search was made with {run.values} different values, drawn as the events are,"
        " on each number of events in turn.",
        "",
        "## Searches",
        "",
        "The medians of the times in ms for each number of events, how they grow,"
        " and the worst of all times.",
        f"What was found and examined is the median at {run.sizes[-1]:,} events, with what was"
        " counted to choose a plan, by MongoDB's profiler;",
        f"page {FAR_PAGE:,} is the last full page where there are fewer.",
        "",
        *table(searches, measured, run.sizes),
        "",
        "![Times of the searches](images/benchmark-search.png)",
        "",
        "## Targets",
        "",
        "For single tags, ranges of time, pages and a circle with a range of time:"
        " at 100,000 events at most 5 times the time at 1,000, at 1,000,000 at most 25 times.",
        "Single tags, and ranges of a week or more, examine at most twice what they return;"
        " no request takes over 1 s.",
        "",
        *([f"- {each}" for each in targets] or ["All of them were reached."]),
        "",
        "## Migration and indexes",
        "",
        "What 1.0.0 and the original EventPost had kept was loaded into MongoDB,"
        " and the service was started. It answers meanwhile.",
        "",
        *preparations(prepared),
        "",
        "## Writing",
        "",
        f"POST by one client at {run.written_at:,} events, in {len(written)} interleaved rounds:"
        f" medians of the rounds, and of the ratios within them the median, the lowest and the"
        f" highest. The target is a ratio of {WRITING}.",
        "",
        *writes(written),
    ]
    return "\n".join(lines) + "\n"
