"""A notifications service that delivers, and those that deliver beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import requests
from pymongo import MongoClient

from microservice_chassis.storage.client import Document
from tests.services import Service, free_port, service
from tests.smtp_server import SmtpServer

PROJECT = Path(__file__).parents[2]
SENDER = "events@example.org"

# What a dispatcher sleeps at most by itself; whatever comes sooner has woken it.
SOON_S = 10.0


class Post(NamedTuple):
    """A notifications service that delivers, and the server that it delivers to."""

    service: Service
    smtp: SmtpServer
    directory: Path

    @property
    def socket(self) -> str:
        path = self.directory / "data" / "run" / "mongodb.sock"
        return f"mongodb://{str(path).replace('/', '%2F')}"

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    @property
    def settings(self) -> dict[str, str]:
        return {"SMTP_URL": self.smtp.url, "MAIL_FROM": SENDER}

    def create(self, number: int = 1, *, ago_s: float = 1.0) -> list[str]:
        """Create notifications that have been due for so long, and return their ids."""
        return create(self.service.collection, self.service.example, number, ago_s)

    def read(self, identifier: str) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(
            f"{self.service.collection}/{identifier}", timeout=5
        ).json()
        return found

    def statuses(self, identifiers: list[str]) -> set[str]:
        return {self.read(each)["status"] for each in identifiers}

    @contextmanager
    def documents(self) -> Iterator[Any]:
        with MongoClient[Document](self.socket) as client:
            yield client["NotificationsMicroservice"]["Notifications"]


def create(collection: str, example: dict[str, Any], number: int, ago_s: float) -> list[str]:
    moment = (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat()
    with requests.Session() as session:
        answers = [
            session.post(collection, json={**example, "scheduled_time": moment}, timeout=5)
            for _ in range(number)
        ]
    return [answer.json()["id"] for answer in answers]


@contextmanager
def delivering(directory: Path, **settings: str) -> Iterator[Post]:
    """A service that delivers, started; three connections to its server keep its tests small."""
    with SmtpServer(free_port(), directory) as smtp, (directory / "log").open("wb") as log:
        target = service(
            "notifications",
            directory / "data",
            log,
            **{"SMTP_URL": smtp.url, "MAIL_FROM": SENDER, "DELIVERY_CONCURRENCY": "3", **settings},
        )
        with target.process:
            target.process.wait_until_ready()
            yield Post(target, smtp, directory)


@contextmanager
def another_dispatcher(log: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A dispatcher that somebody has started by hand."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "notifications_microservice.delivery"],
            cwd=PROJECT,
            env={**os.environ, **settings},
            stderr=output,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


def times(post: Post, identifiers: list[str]) -> list[int]:
    """How often each was accepted by the server."""
    accepted = post.smtp.times()
    return [accepted[f"<{each}.1@example.org>"] for each in identifiers]


def at_least(number: int, post: Post, identifiers: list[str]) -> bool:
    """Whether so many have been accepted."""
    return sum(map(bool, times(post, identifiers))) >= number
