"""The delivery of a running service: its dispatcher in the process tree, and others beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from pymongo import MongoClient

from microservice_chassis.storage.client import Document
from tests.e2e.dispatchers import MOST_TWICE, lose_nothing
from tests.process_tree import DEADLINE_S, gone, tree, wait_for
from tests.redis_server import RedisServer
from tests.services import Service, free_port, service
from tests.smtp_server import PASSWORD, SmtpServer

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
        own = service(
            "notifications",
            directory / "data",
            log,
            **{"SMTP_URL": smtp.url, "MAIL_FROM": SENDER, "DELIVERY_CONCURRENCY": "3", **settings},
        )
        with own.process:
            own.process.wait_until_ready()
            yield Post(own, smtp, directory)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    with delivering(tmp_path_factory.mktemp("delivery")) as post:
        yield post


@pytest.fixture
def post(shared: Post) -> Post:
    """A service that delivers to a server that accepts, unless a test says otherwise."""
    shared.smtp.behave("accept")
    return shared


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Post]:
    """A service of this test's own."""
    with delivering(tmp_path) as post:
        yield post


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


def test_what_is_due_is_delivered_at_once_by_a_dispatcher_of_the_tree(post: Post) -> None:
    assert len(tree(post.service)["dispatcher"]) == 1
    identifiers = post.create(5)
    wait_for(lambda: times(post, identifiers) == [1] * 5, SOON_S)
    wait_for(lambda: post.statuses(identifiers) == {"sent"}, SOON_S)


def test_what_is_given_an_earlier_time_is_delivered_then(post: Post) -> None:
    (identifier,) = post.create(ago_s=-3_600)
    moment = datetime.now(UTC) + timedelta(seconds=0.3)
    url = f"{post.service.collection}/{identifier}"
    requests.patch(url, json={"scheduled_time": moment.isoformat()}, timeout=5).raise_for_status()
    wait_for(lambda: post.read(identifier)["status"] == "sent", SOON_S)
    (accepted,) = (each for each in post.smtp.accepted() if identifier in each.message_id)
    assert accepted.at_s >= moment.timestamp() - 0.001  # kept to the millisecond


def never_shows_it_otherwise(post: Post, number: int) -> None:
    """Once a delivery is recorded as sent, no read may show what was before, cached or not."""
    with post.documents() as documents, requests.Session() as session:
        for _ in range(number):
            (identifier,) = post.create()
            url = f"{post.service.collection}/{identifier}"

            def is_sent(identifier: str = identifier, url: str = url) -> bool:
                session.get(url, timeout=5)  # what is kept meanwhile must not be answered later
                found = documents.find_one({"status": "sent"}, sort=[("_id", -1)])
                return found is not None and str(found["_id"]) == identifier

            wait_for(is_sent, SOON_S)
            for _ in range(10):
                assert session.get(url, timeout=5).json()["status"] == "sent"
            listed = session.get(f"{post.service.collection}?limit=1000", timeout=5).json()
            assert [each["status"] for each in listed if each["id"] == identifier] == ["sent"]


def test_once_it_is_recorded_as_sent_no_read_shows_it_otherwise(post: Post) -> None:
    never_shows_it_otherwise(post, 20)


def test_nor_does_one_whose_answers_are_in_redis(redis: RedisServer, tmp_path: Path) -> None:
    settings = {"CACHE_TYPE": "redis", "CACHE_REDIS_URL": redis.url, "WEB_CONCURRENCY": "2"}
    with delivering(tmp_path, **settings) as post:
        url = post.service.collection
        wait_for(lambda: requests.get(url, timeout=5).headers["Cache-Status"].endswith("hit"))
        never_shows_it_otherwise(post, 10)


def test_a_dispatcher_of_an_older_version_stops_with_a_line(post: Post, tmp_path: Path) -> None:
    with MongoClient[Document](post.socket) as client:
        client["newer"]["Deployment"].insert_one({"_id": "Notifications", "form": 99})
    settings = {"MONGODB_URI": post.socket, "MONGODB_DATABASE": "newer", "CACHE_TYPE": "null"}
    log = tmp_path / "log"
    with another_dispatcher(
        log, DATA_DIR=str(tmp_path / "data"), **settings, **post.settings
    ) as process:
        assert process.wait(DEADLINE_S) == 1
    said = log.read_text().splitlines()
    assert said[-1].startswith("the delivery stops: the documents of Notifications have form 99")
    assert "Traceback" not in log.read_text()


def test_a_cached_read_is_right_again_behind_a_delivery(post: Post) -> None:
    (identifier,) = post.create()
    wait_for(lambda: post.read(identifier)["status"] == "sent", SOON_S)
    url = f"{post.service.collection}/{identifier}"
    wait_for(
        lambda: requests.get(url, timeout=5).headers["Cache-Status"] == "eventpost; hit", SOON_S
    )


def test_a_write_from_another_container_is_delivered_before_the_dispatcher_would_look(
    post: Post, tmp_path: Path
) -> None:
    settings = {"MONGODB_URI": post.socket, "CACHE_TYPE": "null", "WEB_CONCURRENCY": "1"}
    other = service("notifications", tmp_path / "elsewhere", **settings)
    with other.process:
        other.process.wait_until_ready()
        identifiers = create(other.collection, other.example, 3, 1.0)
        wait_for(lambda: times(post, identifiers) == [1] * 3, SOON_S)


def test_without_a_server_to_send_to_nothing_is_ever_sent(running: dict[str, Service]) -> None:
    own = running["notifications"]
    assert tree(own)["dispatcher"] == []
    (identifier,) = create(own.collection, own.example, 1, 1.0)
    found = requests.get(f"{own.collection}/{identifier}", timeout=5).json()
    assert found["status"] == "pending"


def test_a_dispatcher_by_hand_joins_the_service_of_its_data(post: Post, tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(post.directory / "data"), **post.settings}
    log = tmp_path / "log"
    (own,) = tree(post.service)["dispatcher"]
    with another_dispatcher(log, **settings) as process:
        wait_for(lambda: "delivering by way of" in log.read_text())
        own.suspend()
        try:
            identifiers = post.create(3)
            wait_for(lambda: post.statuses(identifiers) == {"sent"}, SOON_S)
        finally:
            own.resume()
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, "SMTP_URL must be set: without it nothing is ever sent"),
        ({"SMTP_URL": "smtp://localhost"}, "MAIL_FROM must be set where SMTP_URL is"),
        (
            {"SMTP_URL": "smtp://localhost", "MAIL_FROM": SENDER, "MONGODB_URI": "mongodb://a"},
            "CACHE_TYPE must be redis or null",
        ),
        (
            {"SMTP_URL": "smtp://localhost", "MAIL_FROM": SENDER, "CACHE_TYPE": "null"},
            "MONGODB_URI must be set: no MongoDB runs on DATA_DIR",
        ),
    ],
)
def test_a_dispatcher_that_could_do_harm_or_nothing_is_refused_in_one_line(
    tmp_path: Path, settings: dict[str, str], line: str
) -> None:
    log = tmp_path / "log"
    with another_dispatcher(log, DATA_DIR=str(tmp_path / "data"), **settings) as process:
        assert process.wait(DEADLINE_S) == 1
    (said,) = log.read_text().splitlines()
    assert said.startswith("the delivery cannot start: ")
    assert line in said


def test_a_dispatcher_that_is_killed_is_started_again_and_goes_on_at_once(post: Post) -> None:
    post.smtp.behave("slow")
    identifiers = post.create(30)
    for _ in range(2):
        reached = sum(map(bool, times(post, identifiers))) + 3
        wait_for(partial(at_least, reached, post, identifiers))
        (dispatcher,) = tree(post.service)["dispatcher"]
        dispatcher.kill()
        wait_for(partial(gone, [dispatcher]))
        wait_for(lambda: len(tree(post.service)["dispatcher"]) == 1)
    post.smtp.behave("accept")
    wait_for(lambda: all(times(post, identifiers)), SOON_S)
    wait_for(lambda: post.statuses(identifiers) == {"sent"}, SOON_S)
    # At each kill each of three connections can have one in DATA, and one that is not yet recorded.
    assert sum(each - 1 for each in times(post, identifiers)) <= 2 * (3 + 3)
    assert "ended with status -9: starting it again" in post.log


def test_the_status_of_a_running_service_is_told(post: Post) -> None:
    identifiers = post.create(3)
    wait_for(lambda: post.statuses(identifiers) == {"sent"}, SOON_S)

    def told() -> bool:
        said = subprocess.run(
            [sys.executable, "-m", "invoke", "delivery-status"],
            cwd=PROJECT,
            env={**os.environ, "DATA_DIR": str(post.directory / "data")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        figures = dict(line.split(maxsplit=1) for line in said.splitlines())
        return int(figures["sent"]) >= 3 and "late" in figures and figures["sending"] == "0"

    wait_for(told, SOON_S)


def test_a_dispatcher_that_keeps_dying_ends_the_tree(alone: Post) -> None:
    assert alone.service.process.process
    launcher = alone.service.process.process
    killed: set[int] = set()

    def kill_and_look() -> bool:
        if launcher.poll() is None:
            for dispatcher in tree(alone.service)["dispatcher"]:
                if dispatcher.pid not in killed:
                    killed.add(dispatcher.pid)
                    dispatcher.kill()
        return launcher.poll() is not None

    wait_for(kill_and_look)
    assert launcher.returncode == 1
    assert len(killed) == 4
    assert "notifications_microservice.delivery died 4 times in a minute" in alone.log


def test_at_the_end_of_the_service_what_is_in_flight_is_finished_and_recorded(
    alone: Post,
) -> None:
    alone.smtp.behave("slow")
    identifiers = alone.create(20)
    wait_for(lambda: any(times(alone, identifiers)))
    everybody = [each for part in tree(alone.service).values() for each in part]
    assert alone.service.process.stop() == 0
    assert gone(everybody)
    accepted = times(alone, identifiers)
    assert max(accepted) == 1
    alone.service.process.start()
    alone.service.process.wait_until_ready()
    alone.smtp.behave("accept")
    wait_for(lambda: alone.statuses(identifiers) == {"sent"}, SOON_S)
    assert times(alone, identifiers) == [1] * 20


def test_readiness_does_not_depend_on_the_server_and_no_password_is_logged(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "smtp-url"
    quoted = PASSWORD.replace(":", "%3A").replace("/", "%2F").replace("@", "%40")
    secret.write_text(f"smtp://user:{quoted}@127.0.0.1:{free_port()}?starttls=none\n")
    settings = {"SMTP_URL_FILE": str(secret), "MAIL_FROM": SENDER, "LOG_LEVEL": "debug"}
    with (tmp_path / "log").open("wb") as log:
        own = service("notifications", tmp_path / "data", log, **settings)
        with own.process:
            own.process.wait_until_ready()
            (identifier,) = create(own.collection, own.example, 1, 1.0)
            said = (tmp_path / "log").read_text
            wait_for(lambda: "the SMTP server cannot be used: it cannot be reached" in said())
            assert requests.get(f"{own.url}/health/ready", timeout=5).status_code == 200
            url = f"{own.collection}/{identifier}"
            wait_for(lambda: requests.get(url, timeout=5).json()["status"] == "pending")
            tree(own)["dispatcher"][0].terminate()
            wait_for(lambda: "delivery ended with status 0: starting it again" in said())
    for text in (PASSWORD, quoted):
        assert text not in said()


@pytest.mark.load
def test_of_three_dispatchers_that_are_killed_nothing_is_lost_and_little_arrives_twice(
    tmp_path: Path,
) -> None:
    assert lose_nothing(tmp_path, 300, kills=2, mode="slow") <= 2 * MOST_TWICE
