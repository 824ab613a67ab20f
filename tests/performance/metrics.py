"""The metrics of a service under a load that changes, as a picture: docs/images/metrics.png.

python -m tests.performance.metrics [--seconds 10]   (needs wrk)
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from development import command_line
from tests.performance.benchmark_servers import EVENTS, Server, seeded
from tests.performance.loads import delete_left
from tests.performance.scrapes import Scrape, Scrapes, quantiles, rates, windows
from tests.performance.virtual_environment import PROJECT, python_for_plots
from tests.performance.wrk import Load
from tests.services import Service, service

PICTURE = PROJECT / "docs" / "images" / "metrics.png"

REQUESTS = "eventpost_http_requests_total"
DURATIONS = "eventpost_http_request_duration_seconds"
CACHE = "eventpost_cache_requests_total"
OPERATIONS = "eventpost_mongodb_operations_total"

# Of the requests those of the load alone: not the scrapes.
ROUTES = ("/events", "/events/{id}")
WRITES = ("POST", "PUT", "DELETE")
RESULTS = ("hit", "collapsed", "miss", "bypass")


class Stage(NamedTuple):
    """How many clients there are, each with a connection, as fast as they are answered.

    Those that write do so in the benchmark's fixed cycle: a list, 8 events, POST, PUT and DELETE.
    """

    clients: int
    writing: bool = True

    @property
    def name(self) -> str:
        clients = f"{self.clients} client{'s' if self.clients > 1 else ''}"
        return clients if self.writing else f"{clients},\nonly reading"


STAGES = (
    Stage(1),
    Stage(10),
    Stage(50),
    Stage(50, writing=False),
    Stage(10, writing=False),
    Stage(10),
)


class Observed(NamedTuple):
    """What was scraped, and from when to when there was which load."""

    taken: list[Scrape]
    stages: list[tuple[float, float, str]]


def observe(events: Service, seconds: int) -> Observed:
    """Load a service with one stage after the other, and scrape it meanwhile.

    Raises:
        SystemExit: a request has failed, so the picture would show something else.
    """
    server = Server(events.url, seeded(events, EVENTS))
    stages = []
    with Scrapes(events) as scrapes:
        for stage in STAGES:
            sys.stderr.write(f"{' '.join(stage.name.split())}\n")
            begin_s = scrapes.now_s
            errors = _load(server, stage, seconds)
            stages.append((begin_s, scrapes.now_s, stage.name))
            if errors:
                raise SystemExit(f"{errors} requests have failed: nothing is drawn")
    return Observed(scrapes.taken, stages)


def _load(server: Server, stage: Stage, seconds: int) -> int:
    """Load for some seconds, and return how many requests failed."""
    load = Load(
        server.url,
        seconds,
        connections=stage.clients,
        threads=stage.clients,
        script="cycle.lua" if stage.writing else "readers.lua",
        arguments=server.events if stage.writing else (),
    )
    result = load.result()
    delete_left(server)
    return result.errors


def panels(taken: Sequence[Scrape]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what is drawn: titles, kinds and series (`metrics_plot.Panel`)."""
    methods = {
        method: rates(taken, REQUESTS, method=[method], route=ROUTES) for method in ("GET", *WRITES)
    }
    p99_ms = {"reads": _p99_ms(taken, ["GET"]), "writes": _p99_ms(taken, WRITES)}
    results = {each: rates(taken, CACHE, result=[each]) for each in RESULTS}
    operations = {f"{each}s": rates(taken, OPERATIONS, kind=[each]) for each in ("read", "write")}
    return [
        ("Requests per second", "stacked", methods),
        ("99 % answered within, ms", "logarithmic", p99_ms),
        ("Reads by the cache, %", "share", _shares(results)),
        ("Operations at MongoDB per second", "stacked", operations),
    ]


def _shares(rates_: Mapping[str, Sequence[float]]) -> dict[str, list[float | None]]:
    """Return how much each is of the sum of all, in percent, at each moment; of nothing, None."""
    sums = [sum(each) for each in zip(*rates_.values(), strict=True)]
    return {
        name: [100 * each / of if of else None for each, of in zip(values, sums, strict=True)]
        for name, values in rates_.items()
    }


def _p99_ms(taken: Sequence[Scrape], methods: Sequence[str]) -> list[float | None]:
    found = quantiles(taken, 0.99, DURATIONS, method=methods, route=ROUTES)
    return [None if each is None else 1000 * each for each in found]


def main() -> None:
    """Measure, and draw the picture."""
    parser = command_line.Parser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--seconds", type=command_line.whole_number, default=10, help="of each load (10)"
    )
    seconds = parser.parse_args().seconds
    if shutil.which("wrk") is None:
        raise SystemExit("the measurement needs wrk: install it, on Debian with: apt install wrk")
    python = python_for_plots()
    with tempfile.TemporaryDirectory() as data_dir:
        events = service("events", Path(data_dir), LOG_LEVEL="warning")
        with events.process as process:
            process.wait_until_ready()
            observed = observe(events, seconds)
    at_s = [last.at_s for _, last in windows(observed.taken)]
    drawn = json.dumps((at_s, observed.stages, panels(observed.taken)))
    command = [str(python), "-m", "tests.performance.metrics_plot", str(PICTURE)]
    subprocess.run(command, cwd=PROJECT, input=drawn, text=True, check=True)


if __name__ == "__main__":
    command_line.run(main)
