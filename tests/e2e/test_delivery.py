"""The delivery of a running service: its dispatcher in the process tree, and others beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import requests
from pymongo import MongoClient

from microservice_chassis.storage.client import Document
from tests.e2e.post import (
    PROJECT,
    SOON_S,
    Post,
    another_dispatcher,
    at_least,
    create,
    delivering,
    times,
)
from tests.process_tree import DEADLINE_S, gone, tree, wait_for
from tests.redis_server import RedisServer
from tests.services import Service, service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    with delivering(tmp_path_factory.mktemp("delivery")) as post:
        yield post


@pytest.fixture
def post(shared: Post) -> Post:
    """A service that delivers to a server that accepts, unless a test says otherwise."""
    shared.smtp.behave("accept")
    return shared


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
    hits: list[str] = []

    def is_answered_from_the_cache() -> bool:
        answer = requests.get(url, timeout=5)
        if answer.headers["Cache-Status"] == "eventpost; hit":
            hits.append(answer.json()["status"])
        return bool(hits)

    wait_for(is_answered_from_the_cache, SOON_S)
    assert hits == ["sent"]


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
    target = running["notifications"]
    assert tree(target)["dispatcher"] == []
    (identifier,) = create(target.collection, target.example, 1, 1.0)
    found = requests.get(f"{target.collection}/{identifier}", timeout=5).json()
    assert found["status"] == "pending"


def test_a_dispatcher_by_hand_joins_the_service_of_its_data(post: Post, tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(post.directory / "data"), **post.settings}
    log = tmp_path / "log"
    (target,) = tree(post.service)["dispatcher"]
    with another_dispatcher(log, **settings) as process:
        wait_for(lambda: "delivering by way of" in log.read_text())
        target.suspend()
        try:
            identifiers = post.create(3)
            wait_for(lambda: post.statuses(identifiers) == {"sent"}, SOON_S)
        finally:
            target.resume()
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


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
