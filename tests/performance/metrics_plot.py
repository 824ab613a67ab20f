"""The plot of the metrics under load: a panel for each question, over the same time.

It runs in the environment of `virtual_environment.python_for_plots`, which has matplotlib.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import ScaledTranslation

_COLOURS = ("#2166ac", "#e08214", "#1b7837", "#b2182b")
_BAND = "#f1f1f1"

# How high the names of the stages are, in points.
_STAGES_PT = 24


class Stage(NamedTuple):
    """A time in which the load stays the same."""

    begin_s: float
    end_s: float
    name: str


class Panel(NamedTuple):
    """A question, and the answers to it; each has a value, or none, for each moment."""

    title: str
    kind: Literal["stacked", "share", "logarithmic"]
    series: dict[str, list[float | None]]


def plot(at_s: list[float], stages: list[Stage], panels: list[Panel], path: Path) -> None:
    """Write the diagram: two panels beside each other in each row."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
    figure = Figure(figsize=(11, 3.1 * (len(panels) // 2) + 0.5), layout=layout)
    rows = figure.subplots(len(panels) // 2, 2, sharex=True, squeeze=False)
    for number, (axes, panel) in enumerate(zip(rows.flat, panels, strict=True)):
        _draw(axes, at_s, panel)
        _head(axes, panel, above=_STAGES_PT if number < 2 else 0)
        axes.set_xlim(stages[0].begin_s, stages[-1].end_s)
        for each in stages[1::2]:
            axes.axvspan(each.begin_s, each.end_s, color=_BAND, linewidth=0, zorder=-1)
    for axes in rows[0]:
        for each in stages:
            middle = (each.begin_s + each.end_s) / 2
            axes.annotate(
                each.name,
                (middle, 1.01),
                xycoords=("data", "axes fraction"),
                ha="center",
                va="bottom",
                fontsize="x-small",
                color="#555555",
            )
    for axes in rows[-1]:
        axes.set_xlabel("seconds")
    figure.savefig(path, dpi=100)


def _draw(axes: Axes, at_s: list[float], panel: Panel) -> None:
    """Draw one panel."""
    colours = _COLOURS[: len(panel.series)]
    if panel.kind == "logarithmic":
        for (name, values), colour in zip(panel.series.items(), colours, strict=True):
            heights = [float("nan") if each is None else each for each in values]
            axes.plot(at_s, heights, color=colour, label=name, linewidth=1.8)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    else:
        stacks = [[each or 0.0 for each in values] for values in panel.series.values()]
        axes.stackplot(at_s, *stacks, colors=colours, labels=list(panel.series), alpha=0.85)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_ylim(0, 100 if panel.kind == "share" else None)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.4, linewidth=0.6)
    axes.set_axisbelow(True)


def _head(axes: Axes, panel: Panel, above: int) -> None:
    """Write the title of a panel, and beside it what its colours mean, so far above it (points)."""
    axes.set_title(panel.title, fontsize="medium", loc="left", pad=6 + above)
    raised = ScaledTranslation(0, above / 72, axes.figure.dpi_scale_trans)
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        bbox_transform=axes.transAxes + raised,
        ncols=len(panel.series),
        fontsize="small",
        frameon=False,
        handlelength=0.9,
        handletextpad=0.4,
        columnspacing=1.0,
        borderaxespad=0.2,
    )


def main() -> None:
    """Draw what is on standard input, as JSON: the moments, the stages and the panels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    path = parser.parse_args().path
    at_s, stages, panels = json.load(sys.stdin)
    plot(at_s, [Stage(*each) for each in stages], [Panel(*each) for each in panels], path)


if __name__ == "__main__":
    main()
