"""How a dispatcher ends: refused before it begins, killed again and again, stopped in flight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.e2e.dispatchers import MOST_TWICE, lose_nothing
from tests.e2e.post import SENDER, SOON_S, Post, another_dispatcher, create, delivering, times
from tests.process_tree import DEADLINE_S, gone, tree, wait_for
from tests.services import free_port, service
from tests.smtp_server import PASSWORD


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Post]:
    """A service of this test's own."""
    with delivering(tmp_path) as post:
        yield post


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
        target = service("notifications", tmp_path / "data", log, **settings)
        with target.process:
            target.process.wait_until_ready()
            (identifier,) = create(target.collection, target.example, 1, 1.0)
            said = (tmp_path / "log").read_text
            wait_for(lambda: "the SMTP server cannot be used: it cannot be reached" in said())
            assert requests.get(f"{target.url}/health/ready", timeout=5).status_code == 200
            url = f"{target.collection}/{identifier}"
            wait_for(lambda: requests.get(url, timeout=5).json()["status"] == "pending")
            tree(target)["dispatcher"][0].terminate()
            wait_for(lambda: "delivery ended with status 0: starting it again" in said())
    for text in (PASSWORD, quoted):
        assert text not in said()


@pytest.mark.load
def test_of_three_dispatchers_that_are_killed_nothing_is_lost_and_little_arrives_twice(
    tmp_path: Path,
) -> None:
    assert lose_nothing(tmp_path, 300, kills=2, mode="slow") <= 2 * MOST_TWICE
