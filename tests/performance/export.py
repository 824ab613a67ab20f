"""What an export costs a worker: its memory before, at most, and after.

    python -m tests.performance.export --events 1000000

The events are put straight into the embedded MongoDB of a service of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import requests

from tests.e2e.migration import database
from tests.many_events import fill
from tests.process_tree import tree
from tests.services import Service, service

_MB = 1_000_000
_PIECE_BYTES = 1 << 20
_PIECES_BETWEEN_LOOKS = 10


class Export(NamedTuple):
    """What an export was, and what it cost the worker that has grown most meanwhile."""

    events: int
    size_bytes: int
    seconds: float
    before_bytes: int
    most_bytes: int
    after_bytes: int


def memory_bytes(service: Service) -> dict[int, int]:
    """Return the resident memory of each worker."""
    return {worker.pid: worker.memory_info().rss for worker in tree(service)["worker"]}


def export(service: Service) -> Export:
    """Export everything once."""
    before = most = memory_bytes(service)
    events = size = 0
    began_s = time.monotonic()
    headers = {"Accept": "application/x-ndjson"}
    with requests.get(service.collection, headers=headers, stream=True, timeout=60) as answer:
        for number, piece in enumerate(answer.iter_content(_PIECE_BYTES)):
            events += piece.count(b"\n")
            size += len(piece)
            if number % _PIECES_BETWEEN_LOOKS == 0:
                most = {pid: max(most[pid], now) for pid, now in memory_bytes(service).items()}
    seconds = time.monotonic() - began_s
    after = memory_bytes(service)
    pid = max(before, key=lambda each: most[each] - before[each])
    return Export(events, size, seconds, before[pid], max(most[pid], after[pid]), after[pid])


def main() -> None:
    """Measure it, and print a line for each of two exports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    count = parser.parse_args().events
    with tempfile.TemporaryDirectory() as directory:
        target = service("events", Path(directory), None, LOG_LEVEL="warning")
        with target.process:
            target.process.wait_until_ready()
            with database(Path(directory)) as collection:
                fill(collection, count)
            for _ in range(2):
                done = export(target)
                sys.stdout.write(
                    f"{done.events} events, {done.size_bytes / _MB:.0f} MB, {done.seconds:.1f} s;"
                    f" the worker has {done.before_bytes / _MB:.1f} MB before,"
                    f" {done.most_bytes / _MB:.1f} at most, {done.after_bytes / _MB:.1f} after\n"
                )


if __name__ == "__main__":
    main()
