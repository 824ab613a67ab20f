"""The working tree beside another commit: what a change costs or gains (`./invoke compare`).

Both services are up at once and take turns, so that what else the machine does strikes both.
docs/performance.md tells how to read what it prints.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import requests

from development import command_line
from development.command_line import whole_number
from development.service_process import ServiceFailure, ServiceProcess
from tests.performance import loads
from tests.performance.benchmark_report import MANY_CONNECTIONS, NULL
from tests.performance.benchmark_servers import EVENTS, SIMPLE, Server, seeded
from tests.performance.comparison_report import Measured, Round, Sample, sample, table
from tests.performance.cpu_time import cpu_time
from tests.performance.git_worktree import commit_name, worktree
from tests.performance.machine import machine
from tests.performance.wrk import Result
from tests.services import KINDS, Service, free_port

PROJECT = Path(__file__).parents[2]

WARM_UP_S = 2

FAILURES = (
    ServiceFailure,
    ValueError,
    requests.RequestException,
    subprocess.CalledProcessError,
)


class Load(NamedTuple):
    """What is asked of a server for so many seconds."""

    name: str
    run: Callable[[Server, int], list[Result]]


class Setting(NamedTuple):
    """A CACHE_TYPE, how many events there are, and the loads that are measured so."""

    cache: str
    events: int
    loads: tuple[Load, ...]


SETTINGS = (
    Setting(
        SIMPLE,
        100,
        (
            Load("GET of an event, cached", loads.event),
            Load(f"GET of an event, cached, {MANY_CONNECTIONS} connections", loads.event_for_many),
            Load("GET of the list of 100, cached", loads.collection),
            Load("mix: 25 % PATCH, 37.5 % lists, 37.5 % events", loads.random_mix),
        ),
    ),
    Setting(
        NULL,
        100,
        (
            Load("GET of an event, uncached", loads.event),
            Load("GET of the list of 100, uncached", loads.collection),
        ),
    ),
    Setting(SIMPLE, EVENTS, (Load("cycle: list, 8 GET, POST, PUT, DELETE", loads.fixed_cycle),)),
)


class Build(NamedTuple):
    """One of the two that are compared, running."""

    service: Service
    server: Server

    def sample(self, load: Load, seconds: int) -> Sample:
        """Measure it once."""
        before = cpu_time(self.service)
        # NOTE: what a load asks for before and after wrk is counted too, a dozen of thousands.
        (result,) = load.run(self.server, seconds)
        return sample(result, cpu_time(self.service).since(before))


def chosen(settings: Sequence[Setting], part: str) -> list[Setting]:
    """Return the settings with the loads whose names contain a text."""
    kept = [
        each._replace(loads=tuple(load for load in each.loads if part in load.name))
        for each in settings
    ]
    return [each for each in kept if each.loads]


def compare(
    base: Path,
    settings: Sequence[Setting],
    rounds: int,
    seconds: int,
    variables: Mapping[str, str],
) -> Measured:
    """Measure the project in the folder `base` and the working tree in turn.

    The tree has these environment variables, beside what both have.
    """
    measured: Measured = {}
    for setting in settings:
        with (
            tempfile.TemporaryDirectory(prefix="eventpost-") as directory,
            _running(base, setting, Path(directory, "base"), {}) as other,
            _running(PROJECT, setting, Path(directory, "tree"), variables) as tree,
        ):
            for load in setting.loads:
                for build in (other, tree):
                    build.sample(load, WARM_UP_S)
                measured[load.name] = []
            for number in range(rounds):
                for load in setting.loads:
                    sys.stderr.write(f"round {number + 1} of {rounds}, {load.name}\n")
                    measured[load.name].append(_round(other, tree, load, seconds, number))
    return measured


def _round(base: Build, tree: Build, load: Load, seconds: int, number: int) -> Round:
    """Measure both; who is first changes with the number of the round."""
    if number % 2:
        second = tree.sample(load, seconds)
        return Round(base.sample(load, seconds), second)
    return Round(base.sample(load, seconds), tree.sample(load, seconds))


@contextmanager
def _running(
    project: Path, setting: Setting, data_dir: Path, variables: Mapping[str, str]
) -> Iterator[Build]:
    """The events service of a project's folder, with its events."""
    settings = {
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "DATA_DIR": str(data_dir),
        "LOG_LEVEL": "warning",
        "CACHE_TYPE": setting.cache,
        **variables,
    }
    example, text = KINDS["events"]
    with (
        data_dir.with_suffix(".log").open("wb") as log,
        ServiceProcess("events_microservice", settings, log, project) as process,
    ):
        process.wait_until_ready()
        events = Service(f"{process.url}/events", example, text, process)
        yield Build(events, Server(process.url, seeded(events, setting.events)))


def _variable(text: str) -> tuple[str, str]:
    name, given, value = text.partition("=")
    if not (name.isidentifier() and given):
        raise ArgumentTypeError(f"{text!r} is no NAME=VALUE")
    return name, value


def main() -> None:
    """Compare, and print the table."""
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("--base", required=True, help="the commit to compare with")
    parser.add_argument("--rounds", type=whole_number, default=10, help="rounds (10)")
    parser.add_argument("--seconds", type=whole_number, default=5, help="of each load (5)")
    parser.add_argument("--only", default="", help="a part of the names of loads, like mix")
    parser.add_argument(
        "--set",
        type=_variable,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the working tree alone; any number of times",
    )
    arguments = parser.parse_args()
    settings = chosen(SETTINGS, arguments.only)
    if not settings:
        names = "; ".join(load.name for setting in SETTINGS for load in setting.loads)
        raise SystemExit(f"no load has {arguments.only!r} in its name: {names}")
    if shutil.which("wrk") is None:
        raise SystemExit("the comparison needs wrk: install it, on Debian with: apt install wrk")
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    try:
        with worktree(PROJECT, arguments.base) as base:
            name = commit_name(base)
            variables = dict(arguments.set)
            measured = compare(base, settings, arguments.rounds, arguments.seconds, variables)
    except KeyboardInterrupt:
        raise SystemExit("the comparison was stopped") from None
    except FAILURES as failure:
        raise SystemExit(f"the comparison ended: {failure}") from None
    lines = [
        f"The working tree beside {name}; {machine()}.",
        f"{arguments.rounds} rounds of {arguments.seconds} s: medians, and of the ratios within"
        " the rounds the median, the lowest and the highest; errors are those of all rounds.",
        "",
        *table(measured),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    command_line.run(main)
