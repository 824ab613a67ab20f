"""The benchmark: side by side, in interleaved rounds, medians and ratios (`./invoke bench`).

Absolute figures are the machine's; the ratios are EventPost's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote_plus

import psutil
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.e2e.conftest import Service, free_port, service
from tests.performance.wrk import Load, Result

PROJECT = Path(__file__).parents[2]

# As many as fixtures.py creates.
EVENTS = 5


class Scenario(NamedTuple):
    """One row of the report: what is measured, and the row that it is compared with."""

    name: str
    run: Callable[[int], list[Result]]  # for so many seconds; several loads at a time are listed
    beside: str | None


class Servers(NamedTuple):
    """Everything that is measured, up and running."""

    cached: Service
    uncached: Service
    nothing: str  # the URL of an event
    find_one: str


@contextmanager
def bare(application: str, mongodb_uri: str, log: IO[bytes]) -> Iterator[str]:
    """A bare application, served as EventPost is; yields its URL."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", f"tests.performance.bare:{application}"],
        cwd=PROJECT,
        env={**os.environ, "PORT": str(port), "MONGODB_URI": mongodb_uri},
        stderr=log,
        # NOTE: as the services have it; Linux shares the processors out by sessions.
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def seeded(own: Service) -> str:
    """Create some events, and return the path of the first."""
    paths = [
        f"/events/{requests.post(own.collection, json=own.example, timeout=5).json()['id']}"
        for _ in range(EVENTS)
    ]
    return paths[0]


def wait_until_served(url: str) -> None:
    """Return when the URL answers 200."""
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(20, backoff_factor=0.05)))
        session.get(url, timeout=5).raise_for_status()


@contextmanager
def servers(directory: Path) -> Iterator[Servers]:
    """The service with its cache and without, and two bare applications."""
    with (directory / "log").open("wb") as log, ExitStack() as running:
        cached, uncached = [
            service("events", directory / kind, log, LOG_LEVEL="warning", CACHE_TYPE=kind)
            for kind in ("simple", "null")
        ]
        for own in (cached, uncached):
            running.enter_context(own.process).wait_until_ready()
        seeded(cached)
        path = seeded(uncached)
        uri = f"mongodb://{quote_plus(str(directory / 'null' / 'run' / 'mongodb.sock'))}"
        nothing, find_one = [
            running.enter_context(bare(name, uri, log)) + path for name in ("nothing", "find_one")
        ]
        for url in (nothing, find_one):
            wait_until_served(url)
        yield Servers(cached, uncached, nothing, find_one)


def scenarios(them: Servers) -> list[Scenario]:
    """What is measured, each beside what it is compared with."""

    def first(own: Service) -> str:
        identifier: str = requests.get(own.collection, timeout=5).json()[0]["id"]
        return f"{own.collection}/{identifier}"

    def get(
        url: str, connections: int = 10, header: str | None = None
    ) -> Callable[..., list[Result]]:
        return lambda seconds: [Load(url, seconds, connections=connections, header=header).result()]

    def mix(own: Service) -> Callable[[int], list[Result]]:
        def run(seconds: int) -> list[Result]:
            readers = Load(own.url, seconds, connections=7, threads=7, script="readers.lua")
            writers = Load(own.url, seconds, connections=3, threads=3, script="writers.lua")
            return [readers.result(), writers.result()]

        return run

    item = first(them.cached)
    tag = requests.get(item, timeout=5).headers["ETag"]
    nothing, null = "an application that does nothing", "GET of an event, CACHE_TYPE=null"
    return [
        Scenario(nothing, get(them.nothing), None),
        Scenario("GET of an event, cached", get(item), nothing),
        Scenario(
            "GET of an event, cached, 304", get(item, header=f"If-None-Match: {tag}"), nothing
        ),
        Scenario("GET of the list, cached", get(them.cached.collection), nothing),
        Scenario(
            "GET of an event, cached, 1,000 connections", get(item, 1000), "GET of an event, cached"
        ),
        Scenario("a bare application with one find_one", get(them.find_one), None),
        Scenario(null, get(first(them.uncached)), "a bare application with one find_one"),
        Scenario("7 readers, 3 writers, CACHE_TYPE=null", mix(them.uncached), None),
        Scenario(
            "7 readers, 3 writers, cached",
            mix(them.cached),
            "7 readers, 3 writers, CACHE_TYPE=null",
        ),
    ]


def memory_mb(own: Service) -> float:
    """The memory of Gunicorn's processes, with what they share counted once (PSS)."""
    assert own.process.process
    launcher = psutil.Process(own.process.process.pid)
    processes = [each for each in launcher.children(recursive=True) if each.name() != "mongod"]
    return sum(each.memory_full_info().pss for each in processes) / 1e6


def table(measured: dict[str, list[list[Result]]], beside: dict[str, str | None]) -> Iterator[str]:
    """The medians of all rounds, in Markdown."""

    def median(name: str, of: Callable[[list[Result]], float]) -> float:
        return statistics.median(of(each) for each in measured[name])

    def rate(results: list[Result]) -> float:
        return sum(each.requests_per_second for each in results)

    def mean_of(load: int) -> Callable[[list[Result]], float]:
        return lambda results: results[load].mean_ms

    def p99_of(load: int) -> Callable[[list[Result]], float]:
        return lambda results: results[load].p99_ms

    yield "| | requests/s | ratio | mean | p99 | errors |"
    yield "|---|---|---|---|---|---|"
    for name, rounds in measured.items():
        other = beside[name]
        ratio = f"{median(name, rate) / median(other, rate):.2f}" if other else ""
        loads = range(len(rounds[0]))
        means = [f"{median(name, mean_of(i)):.1f}" for i in loads]
        p99s = [f"{median(name, p99_of(i)):.1f}" for i in loads]
        errors = sum(load.errors for each in rounds for load in each)
        yield (
            f"| {name} | {median(name, rate):,.0f} | {ratio} | {' / '.join(means)} ms"
            f" | {' / '.join(p99s)} ms | {errors} |"
        )


def main() -> None:
    """Measure, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")
    parser.add_argument("--seconds", type=int, default=3, help="how long each load takes (3)")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("the benchmark needs wrk: install it, on Debian with: apt install wrk")
    with tempfile.TemporaryDirectory() as directory, servers(Path(directory)) as them:
        rows = scenarios(them)
        measured: dict[str, list[list[Result]]] = {row.name: [] for row in rows}
        for row in rows:
            row.run(1)
        for _ in range(arguments.rounds):
            for row in rows:
                measured[row.name].append(row.run(arguments.seconds))
        memory = memory_mb(them.cached)
    lines = table(measured, {row.name: row.beside for row in rows})
    sys.stdout.write("\n".join([*lines, "", f"Memory of 7 workers, cached: {memory:.0f} MB PSS\n"]))


if __name__ == "__main__":
    main()
