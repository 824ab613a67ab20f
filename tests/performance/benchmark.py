"""The benchmark: side by side, interleaved, medians and ratios (`./invoke bench`).

Absolute figures are the machine's; the ratios are EventPost's.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote_plus

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.e2e.conftest import free_port, service
from tests.examples import EVENT

PROJECT = Path(__file__).parents[2]
CONNECTIONS = 10


class Result(NamedTuple):
    """What wrk measured in one round."""

    requests_per_second: float
    p99_ms: float
    errors: int


class Contender(NamedTuple):
    """What is measured: a URL that is served, and what it is called in the report."""

    name: str
    url: str


def wrk(url: str, seconds: int, connections: int = CONNECTIONS) -> Result:
    """Load one URL over keep-alive connections, as fast as it goes."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    assert rate
    assert p99
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said
    )
    errors = int(failed[1]) if failed else 0
    errors += sum(map(int, broken.groups())) if broken else 0
    return Result(float(rate[1]), float(p99[1]) * unit, errors)


@contextmanager
def contenders(directory: Path) -> Iterator[list[Contender]]:
    """A bare application and an events service, on one MongoDB and under the same Gunicorn."""
    with (directory / "log").open("wb") as log:
        events = service("events", directory, log, LOG_LEVEL="warning").process
        with events:
            events.wait_until_ready()
            created = requests.post(f"{events.url}/events", json=EVENT, timeout=5).json()
            path = f"/events/{created['id']}"
            socket = quote_plus(str(directory / "run" / "mongodb.sock"))
            with bare(f"mongodb://{socket}", log) as url:
                yield [
                    Contender("bare Falcon application", f"{url}{path}"),
                    Contender("EventPost", f"{events.url}{path}"),
                ]


@contextmanager
def bare(mongodb_uri: str, log: IO[bytes]) -> Iterator[str]:
    """The bare application, served as EventPost is; yields its URL."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "tests.performance.bare:find_one"],
        cwd=PROJECT,
        env={**os.environ, "PORT": str(port), "MONGODB_URI": mongodb_uri},
        stderr=log,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_until_served(url: str) -> None:
    """Return when the URL answers 200."""
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(20, backoff_factor=0.05)))
        session.get(url, timeout=5).raise_for_status()


def report(rounds: int, seconds: int) -> str:
    """Run the rounds, and return their medians as a Markdown table."""
    with tempfile.TemporaryDirectory() as directory, contenders(Path(directory)) as them:
        for contender in them:
            wait_until_served(contender.url)
            wrk(contender.url, 1)
        results: dict[str, list[Result]] = {contender.name: [] for contender in them}
        for _ in range(rounds):
            for contender in them:
                results[contender.name].append(wrk(contender.url, seconds))
    lines = [
        "| GET of one event | requests/s | of bare | p99 | errors |",
        "|---|---|---|---|---|",
    ]
    ceiling = statistics.median(each.requests_per_second for each in results[them[0].name])
    for name, rounds_of in results.items():
        rate = statistics.median(each.requests_per_second for each in rounds_of)
        p99_ms = statistics.median(each.p99_ms for each in rounds_of)
        errors = sum(each.errors for each in rounds_of)
        lines.append(
            f"| {name} | {rate:,.0f} | {rate / ceiling:.2f} | {p99_ms:.1f} ms | {errors} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds per contender (5)")
    parser.add_argument("--seconds", type=int, default=5, help="how long one takes (5)")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("the benchmark needs wrk: install it, on Debian with: apt install wrk")
    sys.stdout.write(f"{report(arguments.rounds, arguments.seconds)}\n")


if __name__ == "__main__":
    main()
