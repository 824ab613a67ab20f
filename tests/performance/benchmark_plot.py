"""The plot of the benchmark: a bar for each row, grouped by load.

It runs in the environment of `virtual_environment.python_for_plots`, which has matplotlib.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

COLOURS = {
    "nothing": "#9e9e9e",
    "find_one": "#8d6e63",
    "null": "#e08214",
    "redis": "#b2182b",
    "simple": "#2166ac",
}


class Bar(NamedTuple):
    """One row of the report."""

    load: str
    server: str
    name: str
    requests_per_second: float


def plot(bars: list[Bar], path: Path) -> None:
    """Write the diagram; bars with the same load have to follow each other."""
    groups = [(load, list(members)) for load, members in groupby(bars, key=lambda bar: bar.load)]
    figure = Figure(figsize=(9, 0.34 * len(bars) + 0.5 * len(groups) + 0.6), layout="constrained")
    panels = figure.subplots(
        len(groups),
        sharex=True,
        squeeze=False,
        gridspec_kw={"height_ratios": [len(members) for _, members in groups]},
    )[:, 0]
    for axes, (load, members) in zip(panels, groups, strict=True):
        drawn = axes.barh(
            [bar.name for bar in members],
            [bar.requests_per_second for bar in members],
            color=[COLOURS[bar.server] for bar in members],
        )
        axes.bar_label(drawn, [f"{bar.requests_per_second:,.0f}" for bar in members], padding=3)
        axes.set_title(load, fontsize="medium", loc="left")
        axes.set_ylabel("server")
        axes.invert_yaxis()
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    panels[-1].set_xlabel("requests per second (median of the rounds)")
    panels[-1].xaxis.set_major_formatter("{x:,.0f}")
    # Room for the value at the longest bar.
    panels[-1].set_xlim(0, 1.12 * max(bar.requests_per_second for bar in bars))
    figure.savefig(path, dpi=100)


def main() -> None:
    """Draw the bars that are on standard input, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    path = parser.parse_args().path
    plot([Bar(*each) for each in json.load(sys.stdin)], path)


if __name__ == "__main__":
    main()
