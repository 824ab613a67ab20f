"""The process tree of a service: how it starts, ends, and outlives the death of its parts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.e2e.durability import kill_tree, lose_nothing
from tests.e2e.health_check import check
from tests.process_tree import DEADLINE_S, everybody, gone, tree, wait_for
from tests.services import Service, free_port, service

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Service]:
    """An events service of this test's own, started."""
    with (tmp_path / "log").open("wb") as log:
        target = service("events", tmp_path / "data", log)
        with target.process:
            target.process.wait_until_ready()
            yield target


def status(url: str) -> int:
    """The status of a GET, or 0 where nobody answers."""
    try:
        return requests.get(url, timeout=5).status_code
    except requests.RequestException:
        return 0


def test_seven_workers_share_the_work(alone: Service) -> None:
    wait_for(lambda: len(tree(alone)["worker"]) == 7)
    assert [len(tree(alone)[name]) for name in ("launcher", "mongod", "master")] == [1, 1, 1]


def test_its_mongodb_has_the_cache_that_the_settings_say(tmp_path: Path) -> None:
    target = service("events", tmp_path, WEB_CONCURRENCY="1", EMBEDDED_CACHE_MB="320")
    with target.process:
        target.process.wait_until_ready()
        (mongod,) = tree(target)["mongod"]
        command = mongod.cmdline()
    assert command[command.index("--wiredTigerCacheSizeGB") + 1] == "0.3125"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_tree_cleanly_and_the_data_stays(
    alone: Service, signum: signal.Signals
) -> None:
    created = requests.post(alone.collection, json=alone.example, timeout=5).json()
    processes = everybody(alone)
    assert alone.process.process
    alone.process.process.send_signal(signum)
    assert alone.process.stop() == 0
    assert gone(processes)
    alone.process.start()
    alone.process.wait_until_ready()
    url = f"{alone.collection}/{created['id']}"
    assert requests.get(url, timeout=5).json() == created


def test_a_second_signal_ends_the_tree_at_once_and_its_mongodb_cleanly(
    alone: Service, tmp_path: Path
) -> None:
    processes = everybody(alone)
    assert alone.process.process
    stuck = tree(alone)["worker"][0]
    stuck.suspend()
    alone.process.process.terminate()
    wait_for(lambda: b"Handling signal: term" in (tmp_path / "log").read_bytes())
    alone.process.process.terminate()
    assert alone.process.process.wait(DEADLINE_S) == 0
    wait_for(partial(gone, processes))
    # What Gunicorn says at the end of the time that it gives its workers.
    assert b"Shutting down: Master" not in (tmp_path / "log").read_bytes()
    assert '"exitCode":0' in (tmp_path / "data" / "mongod.log").read_text()


@pytest.mark.parametrize("name", ["launcher", "master"])
def test_killing_a_part_that_nobody_replaces_ends_the_tree(alone: Service, name: str) -> None:
    processes = everybody(alone)
    (victim,) = tree(alone)[name]
    victim.kill()
    assert alone.process.process
    assert alone.process.process.wait(DEADLINE_S) != 0
    wait_for(partial(gone, processes))
    alone.process.start()
    alone.process.wait_until_ready()


def test_a_killed_worker_is_replaced(alone: Service) -> None:
    victims = tree(alone)["worker"][:3]
    for victim in victims:
        victim.kill()
    wait_for(lambda: len(tree(alone)["worker"]) == 7 and gone(victims))
    assert all(status(alone.collection) == 200 for _ in range(20))


def test_sighup_replaces_the_workers_and_the_cache_stays_right(alone: Service) -> None:
    wait_for(lambda: len(tree(alone)["worker"]) == 7)
    before = tree(alone)["worker"]
    assert alone.process.process
    alone.process.process.send_signal(signal.SIGHUP)
    wait_for(lambda: gone(before) and len(tree(alone)["worker"]) == 7)
    created = requests.post(alone.collection, json=alone.example, timeout=5).json()
    url = f"{alone.collection}/{created['id']}"
    answers = [requests.get(url, timeout=5).headers["Cache-Status"] for _ in range(40)]
    assert "eventpost; hit" in answers
    requests.patch(url, json={"title": "New"}, timeout=5).raise_for_status()
    assert {requests.get(url, timeout=5).json()["title"] for _ in range(40)} == {"New"}


def test_a_second_master_on_the_same_socket_is_refused(alone: Service, tmp_path: Path) -> None:
    wait_for(lambda: len(tree(alone)["worker"]) == 7)
    (master,) = tree(alone)["master"]
    before = everybody(alone)
    master.send_signal(signal.SIGUSR2)
    wait_for(lambda: b"SIGUSR2 is refused" in (tmp_path / "log").read_bytes())
    wait_for(lambda: set(everybody(alone)) == set(before))
    assert all(status(alone.collection) == 200 for _ in range(20))


@contextmanager
def by_hand(tmp_path: Path) -> Iterator[str]:
    """The URL of a Gunicorn that somebody has started with the DATA_DIR of a running service."""
    socket_path = str(tmp_path / "data" / "run" / "mongodb.sock").replace("/", "%2F")
    port = free_port()
    settings = {
        "MONGODB_URI": f"mongodb://{socket_path}",
        "DATA_DIR": str(tmp_path / "data"),
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "events_microservice.app"],
        cwd=PROJECT,
        env={**os.environ, **settings},
        stderr=subprocess.DEVNULL,
    ) as gunicorn:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: status(f"{url}/health/ready") == 200)
            yield url
        finally:
            gunicorn.terminate()


def rename(url: str, title: str) -> None:
    requests.patch(url, json={"title": title}, timeout=5).raise_for_status()


def titles(url: str) -> tuple[set[str], set[str]]:
    """What many reads say, and where they were answered from."""
    answers = [requests.get(url, timeout=5) for _ in range(30)]
    return (
        {answer.json()["title"] for answer in answers},
        {answer.headers["Cache-Status"] for answer in answers},
    )


def test_a_process_that_is_started_by_hand_shares_the_stamps(
    alone: Service, tmp_path: Path
) -> None:
    created = requests.post(alone.collection, json=alone.example, timeout=5).json()
    path = f"/events/{created['id']}"
    with by_hand(tmp_path) as url:
        for number in range(4):
            rename((alone.url, url)[number % 2] + path, str(number))
            for each in (alone.url, url):
                seen, statuses = titles(each + path)
                assert seen == {str(number)}
                assert "eventpost; hit" in statuses


def test_a_process_that_is_started_by_hand_joins_the_next_launcher(
    alone: Service, tmp_path: Path
) -> None:
    created = requests.post(alone.collection, json=alone.example, timeout=5).json()
    path = f"/events/{created['id']}"
    with by_hand(tmp_path) as url:
        assert "eventpost; hit" in titles(url + path)[1]
        kill_tree(alone.process)
        alone.process.start()
        alone.process.wait_until_ready()
        wait_for(lambda: status(url + path) == 200)
        for number in range(4):
            rename((alone.url, url)[number % 2] + path, str(number))
            for each in (alone.url, url):
                seen, statuses = titles(each + path)
                assert seen == {str(number)}
                assert "eventpost; hit" in statuses


def test_a_killed_mongodb_is_started_again_and_loses_nothing(alone: Service) -> None:
    created = requests.post(alone.collection, json=alone.example, timeout=5).json()
    (mongod,) = tree(alone)["mongod"]
    mongod.kill()
    wait_for(lambda: status(f"{alone.collection}/{created['id']}") == 200)
    assert tree(alone)["mongod"] != [mongod]


def test_a_mongodb_that_keeps_dying_ends_the_tree(alone: Service) -> None:
    assert alone.process.process
    launcher = alone.process.process
    killed: set[int] = set()

    def kill_and_look() -> bool:
        if launcher.poll() is None:
            for mongod in tree(alone)["mongod"]:
                if status(f"{alone.url}/health/ready") == 200 and mongod.pid not in killed:
                    killed.add(mongod.pid)
                    mongod.kill()
        return launcher.poll() is not None

    wait_for(kill_and_look)
    assert launcher.returncode == 1
    assert len(killed) == 4


def test_a_stopped_mongodb_is_a_problem_and_two_lines_and_recovers_by_itself(
    alone: Service, tmp_path: Path
) -> None:
    (mongod,) = tree(alone)["mongod"]
    url = f"{alone.collection}?limit=1"
    mongod.suspend()
    try:
        for method in ("GET", "POST"):
            answer = requests.request(method, url.partition("?")[0], json=alone.example, timeout=5)
            assert answer.status_code == 503
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.headers["Retry-After"] == "1"
        assert status(f"{alone.url}/health/live") == 200
        assert status(f"{alone.url}/health/ready") == 503
        with ThreadPoolExecutor(40) as clients:
            assert set(clients.map(status, [url] * 40)) == {503}
    finally:
        mongod.resume()
    wait_for(lambda: all(status(url) == 200 for _ in range(20)))
    said = (tmp_path / "log").read_text()
    assert said.count("MongoDB is unavailable") == 1
    assert said.count("MongoDB is available again") == 1


def test_a_second_service_on_the_same_data_is_refused(alone: Service, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    for lock in (*data_dir.glob("*lock"), *data_dir.glob("mongodb/*.lock")):
        lock.unlink()
    with (tmp_path / "other").open("wb") as log, service("events", data_dir, log).process as other:
        assert other.process
        assert other.process.wait(DEADLINE_S) == 1
    (line,) = (tmp_path / "other").read_text().splitlines()
    assert f"DATA_DIR='{data_dir}' is in use by another EventPost service: stop that" in line
    requests.post(alone.collection, json=alone.example, timeout=5).raise_for_status()
    assert len(requests.get(alone.collection, timeout=5).json()) == 1


def test_gunicorn_serves_without_the_launcher(alone: Service, tmp_path: Path) -> None:
    socket_path = str(tmp_path / "data" / "run" / "mongodb.sock").replace("/", "%2F")
    port = free_port()
    address = f"127.0.0.1:{port}"
    with subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-w", "2", "-b", address, "events_microservice.app"],
        cwd=PROJECT,
        env={**os.environ, "MONGODB_URI": f"mongodb://{socket_path}"},
        stderr=subprocess.DEVNULL,
    ) as gunicorn:
        try:
            wait_for(lambda: status(f"http://127.0.0.1:{port}/health/ready") == 200)
            created = requests.post(alone.collection, json=alone.example, timeout=5).json()
            url = f"http://127.0.0.1:{port}/events/{created['id']}"
            assert requests.get(url, timeout=5).json() == created
        finally:
            gunicorn.terminate()
        assert gunicorn.wait(DEADLINE_S) == 0


def test_another_mongodb_can_be_used(alone: Service, tmp_path: Path) -> None:
    uri = f"mongodb://{str(tmp_path / 'data' / 'run' / 'mongodb.sock').replace('/', '%2F')}"
    secret = tmp_path / "uri"
    secret.write_text(f"{uri}\n")
    other = service("events", tmp_path / "unused", MONGODB_URI_FILE=str(secret))
    with other.process:
        other.process.wait_until_ready()
        created = requests.post(alone.collection, json=alone.example, timeout=5).json()
        found = requests.get(f"{other.collection}/{created['id']}", timeout=5)
        assert found.json() == created
        assert tree(other)["mongod"] == []
    assert not (tmp_path / "unused" / "mongodb").exists()


def test_no_acknowledged_write_is_lost_when_everything_is_killed(tmp_path: Path) -> None:
    target = service("events", tmp_path)
    lose_nothing(target.process, target.collection, target.example, rounds=2, writes=300)


def test_a_service_is_reached_by_ipv6_and_is_healthy_there(tmp_path: Path) -> None:
    settings = {"HOST": "::", "WEB_CONCURRENCY": "1", "http_proxy": "http://127.0.0.1:1"}
    target = service("events", tmp_path, **settings)
    with target.process:
        target.process.wait_until_ready()
        port = target.url.rpartition(":")[2]
        for host in ("[::]", "[::1]", "127.0.0.1"):
            assert status(f"http://{host}:{port}/events") == 200
        for host in ("::", "::1", "127.0.0.1"):
            assert check(PORT=port, HOST=host, http_proxy="http://127.0.0.1:1") == (0, "")


def test_the_services_are_independent_of_each_other(running: dict[str, Service]) -> None:
    assert status(f"{running['events'].url}/notifications") == 404
    assert status(f"{running['notifications'].url}/events") == 404


def test_a_service_can_be_started_anew_after_it_was_killed(tmp_path: Path) -> None:
    # Too long for the path of a socket.
    data_dir = tmp_path / ("x" * 100)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    target = service("events", data_dir, WEB_CONCURRENCY="2", TMPDIR=str(temporary))
    for _ in range(3):
        target.process.start()
        target.process.wait_until_ready()
        kill_tree(target.process)
    assert list((data_dir / "run").glob("*.sock"))  # it left its socket behind
    assert list(temporary.iterdir()) == []
    with target.process:
        target.process.wait_until_ready()
