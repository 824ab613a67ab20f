"""The plot of the searches: the median of each, for each number of events.

It runs in the environment of `virtual_environment.python_for_plots`, which has matplotlib.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

_COLOURS = ("#9e9e9e", "#e08214", "#2166ac")


class Series(NamedTuple):
    """One number of events, and the medians in the order of the searches."""

    size: int
    p50_ms: list[float]


def plot(searches: list[str], series: list[Series], path: Path) -> None:
    """Write the diagram."""
    figure = Figure(figsize=(9, 0.24 * len(searches) + 1.2), layout="constrained")
    axes = figure.subplots()
    names = [name.replace("`", "") for name in searches]
    for each, colour in zip(series, _COLOURS, strict=False):
        axes.plot(each.p50_ms, names, "o", color=colour, label=f"{each.size:,} events")
    axes.hlines(
        names,
        [min(values) for values in zip(*(each.p50_ms for each in series), strict=True)],
        [max(values) for values in zip(*(each.p50_ms for each in series), strict=True)],
        color="#d0d0d0",
        zorder=0,
    )
    axes.set_xscale("log")
    axes.set_xlabel("median time of a request, ms")
    axes.set_ylabel("search")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.invert_yaxis()
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.04), ncols=len(series))
    figure.savefig(path, dpi=100)


def main() -> None:
    """Draw what is on standard input, as JSON: the names of the searches, and the series."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    path = parser.parse_args().path
    searches, series = json.load(sys.stdin)
    plot(searches, [Series(*each) for each in series], path)


if __name__ == "__main__":
    main()
