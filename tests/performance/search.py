"""The benchmark of searching, on few and on many events (`./invoke bench-search`).

It writes docs/benchmark-search.md. With a million events it takes some GB of disk below the
temporary directory, and half an hour.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from development import command_line
from development.command_line import whole_number
from tests.performance.search_measurement import Measured, measure
from tests.performance.search_queries import SEARCHES
from tests.performance.search_report import Run, page
from tests.performance.search_service import Preparation, searched_service
from tests.performance.search_writes import measure_writes
from tests.performance.virtual_environment import python_for_plots

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"

SIZES = (1_000, 100_000, 1_000_000)

# Writing is measured with that many events, in so many rounds of so many POSTs.
WRITTEN_AT = 100_000
ROUNDS = 10
POSTS = 200

_NEEDED_BYTES = 8 * 10**9


def main() -> None:
    """Measure, print the report, and write it to docs/ with a plot."""
    parser = command_line.Parser(description=__doc__)
    parser.add_argument(
        "--values", type=whole_number, default=20, help="how often each search is made (20)"
    )
    values = parser.parse_args().values
    free_bytes = shutil.disk_usage(tempfile.gettempdir()).free
    if free_bytes < _NEEDED_BYTES:
        raise SystemExit(
            f"the benchmark needs {_NEEDED_BYTES / 1e9:.0f} GB in {tempfile.gettempdir()}, and"
            f" {free_bytes / 1e9:.0f} GB are free: set TMPDIR to a directory on another disk"
        )
    python = python_for_plots()
    with tempfile.TemporaryDirectory(prefix="eventpost-") as directory:
        written = measure_writes(Path(directory), WRITTEN_AT, ROUNDS, POSTS)
    with tempfile.TemporaryDirectory(prefix="eventpost-") as directory:
        measured, prepared = _measure_searches(Path(directory), values)
    run = Run(SIZES, values, WRITTEN_AT, datetime.now(UTC))
    report = page(SEARCHES, measured, prepared, written, run)
    sys.stdout.write(report)
    (DOCS / "benchmark-search.md").write_text(report)
    series = [
        (size, [statistics.median(by_size[size].took_ms) for by_size in measured.values()])
        for size in SIZES
    ]
    plot = [str(python), "-m", "tests.performance.search_plot"]
    plot.append(str(DOCS / "images" / "benchmark-search.png"))
    drawn = json.dumps([list(measured), series])
    subprocess.run(plot, cwd=PROJECT, input=drawn, text=True, check=True)


def _measure_searches(directory: Path, values: int) -> tuple[Measured, dict[int, Preparation]]:
    with (directory / "log").open("wb") as log, ExitStack() as running:
        services = {}
        for size in SIZES:
            sys.stderr.write(f"preparing {size:,} events\n")
            searched = searched_service(directory / str(size), size, log)
            services[size] = running.enter_context(searched)
        prepared = {size: each.preparation for size, each in services.items()}
        return measure(services, values), prepared


if __name__ == "__main__":
    command_line.run(main)
