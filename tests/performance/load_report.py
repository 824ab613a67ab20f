"""The report of the load test: tables and plots of all the results that are kept.

It runs in the environment of `virtual_environment.python_for_plots`, which has matplotlib.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from tests.performance import load_samples
from tests.performance.load_samples import Figures, Sample
from tests.performance.machine import machine

PROJECT = Path(__file__).parents[2]
RESULTS = PROJECT / ".taurus" / "results"
DOCS = PROJECT / "docs"

CEILING = "does nothing"
DEFAULT = "10 users"

_HEAD = "| requests/s | failed | mean | median | 95 % | 99 % | longest |"


def cells(figures: Figures) -> str:
    """Return figures as the cells of a table."""
    times = (figures.mean_ms, figures.p50_ms, figures.p95_ms, figures.p99_ms, figures.max_ms)
    written = " | ".join(f"{time:.1f} ms" for time in times)
    return f"| {figures.requests_per_second:,.0f} | {figures.failed} | {written} |"


def report(service: str, runs: dict[str, list[Sample]], measured: datetime) -> str:
    """Return the page of a service, in Markdown."""
    lines = [
        f"# Load test of the {service} service",
        "",
        f"Written by `./invoke performance --service {service}`;",
        "[load-test.md](load-test.md) tells what is measured and how to repeat it.",
        f"Measured on {measured:%d %B %Y} on {machine()}, which JMeter and the service share.",
        "The figures are those of the second half of each run, when JMeter has warmed up;",
        "failed requests are those of the whole run.",
        "",
        f"| run {_HEAD}",
        "|---|---|---|---|---|---|---|---|",
    ]
    summed = {name: warm_figures(samples) for name, samples in runs.items()}
    lines += [f"| {name} {cells(figures)}" for name, figures in summed.items()]
    if CEILING in summed and DEFAULT in summed:
        ratio = summed[DEFAULT].requests_per_second / summed[CEILING].requests_per_second
        lines += [
            "",
            f'"{CEILING}" is an application that answers at once, under the same load by 10 users:',
            f"JMeter's ceiling on this machine. The service reaches {ratio:.2f} of its rate.",
        ]
    if DEFAULT in runs:
        samples = load_samples.second_half(runs[DEFAULT])
        lines += ["", f"With {DEFAULT}, by request:", "", f"| request {_HEAD}"]
        lines += ["|---|---|---|---|---|---|---|---|"]
        kinds = load_samples.by_label(samples)
        lines += [f"| `{kind}` {cells(load_samples.figures(each))}" for kind, each in kinds.items()]
    lines += [
        "",
        f"![Requests per second over time](images/load-{service}-rate.png)",
        "",
        f"![Response time over time](images/load-{service}-time.png)",
        "",
        f"![Percentiles of the response time](images/load-{service}-percentiles.png)",
    ]
    return "\n".join(lines) + "\n"


def warm_figures(samples: list[Sample]) -> Figures:
    """Sum up a run without its warm-up, but with every failure."""
    failed = sum(sample.failed for sample in samples)
    return load_samples.figures(load_samples.second_half(samples))._replace(failed=failed)


def plot(path: Path, title: str, x: str, y: str, draw: Callable[[Any], None]) -> None:
    """Write one diagram."""
    figure = Figure(figsize=(9, 4), dpi=100, layout="tight")
    axes = figure.subplots()
    draw(axes)
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path)


def plots(service: str, runs: dict[str, list[Sample]], images: Path) -> None:
    """Write the three diagrams of a service."""
    seconds = {name: load_samples.per_second(samples) for name, samples in runs.items()}

    def rates(axes: Any) -> None:
        # NOTE: the last second is not a whole one.
        for name, values in seconds.items():
            axes.plot(list(values)[:-1], [each[0] for each in values.values()][:-1], label=name)
        axes.set_ylim(bottom=0)

    def times(axes: Any) -> None:
        for name, values in seconds.items():
            axes.plot(list(values), [each[1] for each in values.values()], label=name)
        axes.set_yscale("log")

    def percentiles(axes: Any) -> None:
        for name, samples in runs.items():
            warm = load_samples.second_half(samples)
            elapsed = [sample.elapsed_ms for sample in warm]
            values = statistics.quantiles(elapsed, n=1000, method="inclusive")
            axes.plot([number / 10 for number in range(1, 1000)], values, label=name)
        axes.set_yscale("log")

    title = f"The {service} service under load"
    start = str(images / f"load-{service}")
    plot(Path(f"{start}-rate.png"), title, "time in s", "requests per second", rates)
    plot(Path(f"{start}-time.png"), title, "time in s", "mean response time in ms", times)
    plot(Path(f"{start}-percentiles.png"), title, "percentile", "response time in ms", percentiles)


def users(name: str) -> int:
    """The ceiling first, and then by the number of users."""
    return int(name.split()[0]) if name != CEILING else 0


def main() -> None:
    """Write the report of one service from the results that are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service")
    service = parser.parse_args().service
    names = sorted((path.name for path in (RESULTS / service).iterdir()), key=users)
    runs = {name: load_samples.read(RESULTS / service / name) for name in names}
    newest = max((RESULTS / service / name).stat().st_mtime for name in names)
    (DOCS / "images").mkdir(parents=True, exist_ok=True)
    page = report(service, runs, datetime.fromtimestamp(newest, UTC))
    (DOCS / f"load-test-{service}.md").write_text(page)
    plots(service, runs, DOCS / "images")
    print(page)  # noqa: T201 - it is for a person


if __name__ == "__main__":
    main()
