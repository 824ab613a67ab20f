"""The benchmark: side by side, in interleaved rounds, medians and ratios (`./invoke bench`).

Absolute figures are the machine's; the ratios are EventPost's. It writes docs/benchmark.md.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from development import command_line
from development.command_line import whole_number
from tests.performance import loads
from tests.performance.benchmark_report import (
    MANY_CONNECTIONS,
    NOTHING,
    NULL,
    Measured,
    Memory,
    Row,
    Run,
    median_rate,
    page,
)
from tests.performance.benchmark_servers import (
    FIND_ONE,
    REDIS,
    SIMPLE,
    Server,
    memory,
    servers,
)
from tests.performance.virtual_environment import python_for_plots
from tests.performance.wrk import Result

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"


class Scenario(NamedTuple):
    """A row of the report, and what loads its server for so many seconds."""

    row: Row
    run: Callable[[Server, int], list[Result]]


LIST = "GET of the list"
EVENT = "GET of an event"
EVENT_FOR_MANY = f"GET of an event, {MANY_CONNECTIONS:,} connections"
MIX = "7 readers, 3 writers"
CYCLE = "fixed cycle"

# In the order in which they run and are shown: those that are compared are next to each other.
SCENARIOS = (
    Scenario(Row(LIST, NULL), loads.collection),
    Scenario(Row(LIST, SIMPLE), loads.collection),
    Scenario(Row(LIST, NOTHING), loads.collection),
    Scenario(Row(EVENT, FIND_ONE), loads.event),
    Scenario(Row(EVENT, NULL), loads.event),
    Scenario(Row(EVENT, REDIS), loads.event),
    Scenario(Row(EVENT, SIMPLE, "304"), loads.unchanged_event),
    Scenario(Row(EVENT, SIMPLE), loads.event),
    Scenario(Row(EVENT, NOTHING), loads.event),
    Scenario(Row(EVENT_FOR_MANY, SIMPLE), loads.event_for_many),
    Scenario(Row(EVENT_FOR_MANY, NOTHING), loads.event_for_many),
    Scenario(Row(MIX, NULL), loads.readers_and_writers),
    Scenario(Row(MIX, REDIS), loads.readers_and_writers),
    Scenario(Row(MIX, SIMPLE), loads.readers_and_writers),
    Scenario(Row(MIX, NOTHING), loads.readers_and_writers),
    Scenario(Row(CYCLE, NULL), loads.fixed_cycle),
    Scenario(Row(CYCLE, REDIS), loads.fixed_cycle),
    Scenario(Row(CYCLE, SIMPLE), loads.fixed_cycle),
    Scenario(Row(CYCLE, NOTHING), loads.fixed_cycle),
)

FEW_AND_MANY = [(Row(EVENT, name), Row(EVENT_FOR_MANY, name)) for name in (SIMPLE, NOTHING)]


def measure(rounds: int, seconds: int) -> tuple[Measured, Memory]:
    """Run every scenario once to warm up, and then in each round."""
    measured: Measured = {row: [] for row, _ in SCENARIOS}
    with tempfile.TemporaryDirectory() as directory, servers(Path(directory)) as running:
        for row, run in SCENARIOS:
            run(running.by_name[row.server], 1)
        for number in range(rounds):
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
            for row, run in SCENARIOS:
                measured[row].append(run(running.by_name[row.server], seconds))
        return measured, memory(running.simple)


def main() -> None:
    """Measure, print the report, and write it to docs/ with a plot."""
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("--rounds", type=whole_number, default=5, help="rounds (5)")
    parser.add_argument(
        "--seconds", type=whole_number, default=3, help="how long each load takes (3)"
    )
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("the benchmark needs wrk: install it, on Debian with: apt install wrk")
    python = python_for_plots()
    measured, taken = measure(arguments.rounds, arguments.seconds)
    run = Run(arguments.rounds, arguments.seconds, datetime.now(UTC))
    report = page(measured, FEW_AND_MANY, taken, run)
    sys.stdout.write(report)
    (DOCS / "benchmark.md").write_text(report)
    bars = [(row.load, row.server, row.name, median_rate(measured, row)) for row in measured]
    plot = [str(python), "-m", "tests.performance.benchmark_plot"]
    plot.append(str(DOCS / "images" / "benchmark.png"))
    subprocess.run(plot, cwd=PROJECT, input=json.dumps(bars), text=True, check=True)


if __name__ == "__main__":
    command_line.run(main)
