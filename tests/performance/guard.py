"""What keys and CORS cost a cached GET: the same service without and with them, side by side.

`python -m tests.performance.guard`; it needs wrk. docs/performance.md tells how to read the table.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import requests

from development import command_line
from development.command_line import whole_number
from tests.keys import WRITE, bearer, key_file
from tests.performance.comparison_report import Measured, Round, Sample, sample, table
from tests.performance.cpu_time import cpu_time
from tests.performance.machine import machine
from tests.performance.wrk import Load
from tests.services import Service, service

WARM_UP_S = 2
ORIGIN = "https://app.example"


class Guard(NamedTuple):
    """What is on in the service that is measured beside one in which nothing is."""

    keys: bool
    cors: bool

    @property
    def name(self) -> str:
        return " and ".join(["keys"] * self.keys + ["CORS"] * self.cors)

    def settings(self, folder: Path) -> dict[str, str]:
        settings = {}
        if self.keys:
            settings["API_KEYS_FILE"] = key_file(folder / "keys")
        if self.cors:
            settings["CORS_ALLOW_ORIGINS"] = ORIGIN
        return settings


GUARDS = (Guard(keys=True, cors=False), Guard(keys=False, cors=True), Guard(keys=True, cors=True))


class Guarded(NamedTuple):
    """A running service, and the URL of its event."""

    service: Service
    url: str

    def sample(self, seconds: int) -> Sample:
        """Measure cached GETs of the event once; all clients send a key and an origin."""
        headers = [f"Authorization: Bearer {WRITE}", f"Origin: {ORIGIN}"]
        before = cpu_time(self.service)
        result = Load(self.url, seconds, headers=headers).result()
        return sample(result, cpu_time(self.service).since(before))


def measure(guards: Sequence[Guard], rounds: int, seconds: int) -> Measured:
    """Measure each of them beside the service without any, in turn."""
    measured: Measured = {}
    for guard in guards:
        with (
            tempfile.TemporaryDirectory(prefix="eventpost-") as folder,
            _running(Path(folder, "off"), {}) as off,
            _running(Path(folder, "on"), guard.settings(Path(folder))) as on,
        ):
            for each in (off, on):
                each.sample(WARM_UP_S)
            measured[guard.name] = [_round(off, on, seconds, each) for each in range(rounds)]
    return measured


def _round(off: Guarded, on: Guarded, seconds: int, number: int) -> Round:
    """Measure both; who is first changes with the number of the round."""
    if number % 2:
        with_ = on.sample(seconds)
        return Round(off.sample(seconds), with_)
    return Round(off.sample(seconds), on.sample(seconds))


@contextmanager
def _running(data_dir: Path, settings: dict[str, str]) -> Iterator[Guarded]:
    events = service("events", data_dir, LOG_LEVEL="warning", **settings)
    with events.process as process:
        process.wait_until_ready()
        answer = requests.post(
            events.collection, json=events.example, headers=bearer(WRITE), timeout=5
        )
        answer.raise_for_status()
        yield Guarded(events, events.url + answer.headers["Location"])


def main() -> None:
    """Measure, and print the table."""
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("--rounds", type=whole_number, default=20, help="rounds (20)")
    parser.add_argument("--seconds", type=whole_number, default=1, help="of each load (1)")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("the measurement needs wrk: install it, on Debian with: apt install wrk")
    measured = measure(GUARDS, arguments.rounds, arguments.seconds)
    lines = [
        f"Cached GET of an event, base without and tree with; {machine()}.",
        f"{arguments.rounds} rounds of {arguments.seconds} s: medians, and of the ratios within"
        " the rounds the median, the lowest and the highest.",
        "",
        *table(measured),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    command_line.run(main)
