"""The load test with everything that it needs (`./invoke performance`).

Starts a seeded service, lets Taurus and JMeter load it, compares it with an application that
does nothing, and writes a report with plots to docs/.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from development import command_line
from development.command_line import whole_number
from tests.performance import load_samples, taurus
from tests.performance.bare import served, wait_until_served
from tests.performance.virtual_environment import python_for_plots
from tests.services import KINDS, service

PROJECT = Path(__file__).parents[2]
RESULTS = taurus.HOME / "results"

# With so many the service is compared with an application that does nothing.
DEFAULT_USERS = 10

# Seven of ten users read, as in the script. More users on as many cores wait longer for each other.
READERS_OF_TEN = 7
MEAN_MS_PER_USER = 5


@contextmanager
def seeded(name: str, directory: Path, log: IO[bytes]) -> Iterator[str]:
    """A service with five resources; yields its URL."""
    running = service(name, directory, log, LOG_LEVEL="warning")
    with running.process:
        running.process.wait_until_ready()
        seeding = [sys.executable, "fixtures.py", running.collection, name, "--seed", "1"]
        subprocess.run(seeding, cwd=PROJECT, stdout=log, check=True)
        yield running.url


def load(name: str, url: str, users: int, hold_s: int, results: str) -> bool:
    """Run Taurus against `url`; return whether it passed its criteria and no request failed."""
    readers = users * READERS_OF_TEN // 10
    artifacts = RESULTS / name / results
    shutil.rmtree(artifacts, ignore_errors=True)
    sys.stderr.write(f"{name}: {results}, {hold_s} s\n")
    passed = taurus.run(
        artifacts,
        {
            "SERVICE": name,
            name.upper(): url,
            "READERS": str(readers),
            "WRITERS": str(users - readers),
            "HOLD": f"{hold_s}s",
            "MEAN": f"{users * MEAN_MS_PER_USER}ms",
            # NOTE: at its end JMeter closes the connections of all its users, and counts those
            #   requests as failed. Below they are told apart.
            "FAILURES": "5%",
        },
    )
    failed = sum(sample.failed for sample in load_samples.read(artifacts))
    sys.stderr.write(f"{name}: {results}, {failed} requests failed\n")
    return passed and failed == 0


def measure(name: str, users: list[int], hold_s: int) -> bool:
    """Load a service with each number of users; return whether all the runs passed."""
    passed = True
    with tempfile.TemporaryDirectory() as directory, Path(directory, "log").open("wb") as log:
        with seeded(name, Path(directory), log) as url:
            for number in users:
                passed &= load(name, url, number, hold_s, f"{number} users")
        if DEFAULT_USERS in users:
            with served("do_nothing", log) as url:
                wait_until_served(f"{url}/{name}")
                load(name, url, DEFAULT_USERS, hold_s, "does nothing")
    return passed


def _arguments() -> argparse.Namespace:
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("--service", choices=sorted(KINDS), default="events")
    parser.add_argument("--hold", type=lambda text: whole_number(text, 10, 600), default=30)
    parser.add_argument(
        "--users",
        type=lambda text: [whole_number(each, 10, 1000) for each in text.split(",")],
        default=[DEFAULT_USERS],
    )
    return parser.parse_args()


def install() -> Path:
    """Install what it needs beside the project's own packages; return a Python that can plot."""
    taurus.install()
    return python_for_plots()


def main() -> None:
    """Measure, write the report, and fail where a run did."""
    arguments = _arguments()
    python = install()
    passed = measure(arguments.service, arguments.users, arguments.hold)
    report = [str(python), "-m", "tests.performance.load_report", arguments.service]
    subprocess.run(report, cwd=PROJECT, check=True)
    if not passed:
        raise SystemExit("a run did not pass its criteria: the lines above tell which")


if __name__ == "__main__":
    command_line.run(main)
