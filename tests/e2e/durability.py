"""Kill a whole service under write load, again and again: nothing acknowledged may be missing.

python -m tests.e2e.durability --rounds 10 --writes 10000
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import requests

from development.service_process import ServiceProcess
from tests.process_tree import gone, wait_for

WRITERS = 8


def lose_nothing(
    service: ServiceProcess, collection: str, example: dict[str, Any], *, rounds: int, writes: int
) -> None:
    """Kill every process of `service` at a random moment of each round, and look for the writes.

    The moment comes when `writes` are acknowledged, or up to half as many later.
    """
    for number in range(rounds):
        service.start()
        service.wait_until_ready()
        kill_at = random.randint(writes, writes * 3 // 2)
        acknowledged = _write_until_killed(service, collection, example, number, kill_at)
        with service:
            service.wait_until_ready()
            found = Counter((each["id"], each["title"]) for each in _everything(collection))
        assert len(acknowledged) >= kill_at
        assert [pair for pair in acknowledged if found[pair] != 1] == []
        sys.stdout.write(f"round {number + 1}: all {len(acknowledged)} writes are there\n")


def _write_until_killed(
    service: ServiceProcess, collection: str, example: dict[str, Any], number: int, kill_at: int
) -> list[tuple[str, str]]:
    acknowledged: list[tuple[str, str]] = []
    enough = threading.Event()

    def write(writer: int) -> None:
        with requests.Session() as session:
            count = 0
            while True:
                title = f"{number}-{writer}-{count}"
                try:
                    answer = session.post(collection, json={**example, "title": title}, timeout=5)
                except requests.RequestException:
                    break
                if answer.status_code != 201:
                    break
                acknowledged.append((answer.json()["id"], title))
                count += 1
                if len(acknowledged) >= kill_at:
                    enough.set()
        enough.set()

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    enough.wait()
    kill_tree(service)
    for writer in writers:
        writer.join()
    return acknowledged


def kill_tree(service: ServiceProcess) -> None:
    """Kill every process of a service, and return when all are dead."""
    assert service.process
    launcher = psutil.Process(service.process.pid)
    processes = [launcher, *launcher.children(recursive=True)]
    for process in processes:
        # NOTE: some die with their parent before it is their turn.
        with suppress(psutil.NoSuchProcess):
            process.kill()
    service.process.wait()
    # NOTE: the first process of a machine may take a second to see that they have ended.
    wait_for(partial(gone, processes))


def _everything(collection: str) -> Iterator[dict[str, Any]]:
    url = f"{collection}?limit=1000"
    with requests.Session() as session:
        while url:
            answer = session.get(url, timeout=10)
            yield from answer.json()
            link = answer.links.get("next")
            url = requests.compat.urljoin(url, link["url"]) if link else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--writes", type=int, default=10_000)
    arguments = parser.parse_args()

    from tests.services import service

    with tempfile.TemporaryDirectory() as directory, Path(directory, "log").open("wb") as log:
        target = service("events", Path(directory), log)
        lose_nothing(
            target.process,
            target.collection,
            target.example,
            rounds=arguments.rounds,
            writes=arguments.writes,
        )


if __name__ == "__main__":
    main()
