"""Three dispatchers, one of which is killed again and again: all arrives, and little of it twice.

python -m tests.e2e.dispatchers --notifications 5000 --kills 4
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import requests
from bson import ObjectId
from pymongo import MongoClient

from microservice_chassis.process.parent_death import die_with_parent
from microservice_chassis.storage.client import Document
from tests.process_tree import wait_for
from tests.services import Service, free_port, service
from tests.smtp_server import SmtpServer

PROJECT = Path(__file__).parents[2]
DISPATCHERS = 3
CONNECTIONS = 10

# An answered kill -9 can have each connection in DATA, and what it sent last not yet recorded.
MOST_TWICE = 2 * CONNECTIONS


class Dispatcher:
    """A dispatcher that was started by hand; a context manager that ends it."""

    def __init__(self, data_dir: Path, log: Path, **settings: str) -> None:
        self._environment = {**os.environ, "DATA_DIR": str(data_dir), **settings}
        self._log = log
        self.start()

    def __enter__(self) -> Dispatcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def start(self) -> None:
        parent = os.getpid()
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "notifications_microservice.delivery"],
                cwd=PROJECT,
                env=self._environment,
                stderr=output,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent),
            )

    def kill(self) -> None:
        """Kill it, and start it again."""
        self.process.kill()
        self.process.wait()
        self.start()


@contextmanager
def notifications(target: Service, data_dir: Path) -> Iterator[MongoClient[Document]]:
    """The MongoDB of a service that runs on a directory."""
    path = str(data_dir / "run" / "mongodb.sock").replace("/", "%2F")
    requests.get(target.collection, timeout=5).raise_for_status()
    with MongoClient[Document](f"mongodb://{path}") as client:
        yield client


def fill(target: Service, client: MongoClient[Document], number: int, in_s: float = 0) -> set[str]:
    """Make that many notifications, all due then; return the Message-IDs that they will have."""
    documents = client["NotificationsMicroservice"]["Notifications"]
    far = (datetime.now(UTC) + timedelta(days=365)).isoformat()
    answer = requests.post(
        target.collection, json={**target.example, "scheduled_time": far}, timeout=5
    )
    answer.raise_for_status()
    example = documents.find_one_and_delete({"_id": ObjectId(answer.json()["id"])})
    assert example
    due = datetime.now(UTC) + timedelta(seconds=in_s)
    keys = [ObjectId() for _ in range(number)]
    documents.insert_many(
        [{**example, "_id": key, "scheduled_time": due, "due_at": due} for key in keys]
    )
    return {f"<{key}.1@example.org>" for key in keys}


def lose_nothing(directory: Path, number: int, kills: int, mode: str = "accept") -> int:
    """Deliver that many while one of three is killed, and return how many arrived twice."""
    data_dir = directory / "data"
    with ExitStack() as held:
        log = held.enter_context((directory / "log").open("wb"))
        smtp = held.enter_context(SmtpServer(free_port(), directory))
        target = service("notifications", data_dir, log)
        held.enter_context(target.process).wait_until_ready()
        client = held.enter_context(notifications(target, data_dir))
        expected = fill(target, client, number)
        smtp.behave(mode)
        settings = {
            "SMTP_URL": smtp.url,
            "MAIL_FROM": "events@example.org",
            "DELIVERY_CONCURRENCY": str(CONNECTIONS),
        }
        dispatchers = [
            held.enter_context(Dispatcher(data_dir, directory / f"log-{number}", **settings))
            for number in range(DISPATCHERS)
        ]
        for kill in range(1, kills + 1):
            reached = number * kill // (kills + 2)
            wait_for(partial(_accepted, smtp, reached), 120)
            random.choice(dispatchers).kill()
        wait_for(lambda: smtp.times().keys() == expected, 180)
        documents = client["NotificationsMicroservice"]["Notifications"]
        wait_for(lambda: documents.count_documents({"status": "sent"}) == number, 60)
        return sum(each - 1 for each in smtp.times().values())


def _accepted(smtp: SmtpServer, number: int) -> bool:
    return len(smtp.times()) >= number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notifications", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        began_s = time.monotonic()
        twice = lose_nothing(Path(directory), arguments.notifications, arguments.kills)
        sys.stdout.write(
            f"all {arguments.notifications} arrived, {twice} of them twice,"
            f" with {arguments.kills} kills in {time.monotonic() - began_s:.0f} s\n"
        )
        assert twice <= arguments.kills * MOST_TWICE


if __name__ == "__main__":
    main()
