"""API keys and the headers of each answer, with real workers: what SIGHUP changes, and what not."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from microservice_chassis.key_file import KeyEntry, digest
from tests.keys import READ, WRITE, bearer, key_file
from tests.process_tree import gone, tree, wait_for
from tests.services import Service, service

PROJECT = Path(__file__).parents[2]
WORKERS = 2
NEW = "new-key"
NEW_LINE = f"{KeyEntry('new', 'read', digest(NEW.encode())).line}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Iterator[Service]:
    """An events service with keys."""
    settings = {"API_KEYS_FILE": key_file(folder / "keys"), "WEB_CONCURRENCY": str(WORKERS)}
    with (folder / "log").open("wb") as log:
        target = service("events", folder / "data", log, **settings)
        with target.process:
            target.process.wait_until_ready()
            yield target


def statuses(guarded: Service, key: str) -> set[int]:
    """The statuses of many requests with a key, so that each worker has some."""
    return {
        requests.get(guarded.collection, headers=bearer(key), timeout=5).status_code
        for _ in range(20)
    }


def renew_workers(guarded: Service) -> None:
    """Have the workers replaced, and return when the last one is."""
    wait_for(lambda: len(tree(guarded)["worker"]) == WORKERS)
    before = tree(guarded)["worker"]
    assert guarded.process.process
    guarded.process.process.send_signal(signal.SIGHUP)
    wait_for(lambda: gone(before) and len(tree(guarded)["worker"]) == WORKERS)


def test_who_has_a_key_is_served_and_who_has_none_is_not(guarded: Service) -> None:
    def post(**headers: str) -> requests.Response:
        return requests.post(guarded.collection, json=guarded.example, headers=headers, timeout=5)

    assert post().status_code == 401
    assert post(**bearer(READ)).status_code == 403
    assert post(**bearer(WRITE)).status_code == 201
    answer = requests.get(f"{guarded.url}/events.ics", auth=("calendar", READ), timeout=5)
    assert answer.status_code in (200, 503)  # while the indexes are built
    assert requests.get(f"{guarded.url}/health/ready", timeout=5).status_code == 200


def fixtures(guarded: Service, key: str) -> subprocess.CompletedProcess[str]:
    url = guarded.collection.replace("://", f"://anybody:{key}@")
    return subprocess.run(
        [sys.executable, "fixtures.py", url, "events"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_fixtures_take_a_key_in_the_url_and_show_it_to_nobody(guarded: Service) -> None:
    created = fixtures(guarded, WRITE)
    assert (created.returncode, created.stdout.count("created ")) == (0, 5)
    refused = fixtures(guarded, READ)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{guarded.collection} refused a resource with status 403")
    assert READ not in created.stderr + refused.stderr


def test_sighup_reads_the_file_again_and_a_mistake_in_it_locks_nobody_out(
    guarded: Service, folder: Path
) -> None:
    path = folder / "keys"
    before = path.read_text()
    assert statuses(guarded, NEW) == {401}
    # The key to write is revoked, and there is a new one.
    path.write_text(
        "".join(each for each in before.splitlines(True) if not each.startswith(WRITE)) + NEW_LINE
    )
    assert statuses(guarded, WRITE) == {200}  # until it is told to
    renew_workers(guarded)
    assert (statuses(guarded, NEW), statuses(guarded, READ)) == ({200}, {200})
    assert statuses(guarded, WRITE) == {401}

    for mistake in ("nonsense\n", ""):
        path.write_text(mistake)
        renew_workers(guarded)
        # What counts is what was good last, not what it was at the start.
        assert (statuses(guarded, NEW), statuses(guarded, WRITE)) == ({200}, {401})
    victim = tree(guarded)["worker"][0]
    victim.kill()
    wait_for(lambda: gone([victim]) and len(tree(guarded)["worker"]) == WORKERS)
    assert (statuses(guarded, NEW), statuses(guarded, WRITE)) == ({200}, {401})

    path.unlink()
    renew_workers(guarded)
    assert statuses(guarded, NEW) == {200}
    log = (folder / "log").read_text()
    named = f"API_KEYS_FILE={str(path)!r}"
    for reason in (
        f"line 1 of {named} cannot be used",
        f"{named} has no key",
        f"{named} cannot be read: No such file or directory",
    ):
        assert log.count(f"the API keys stay as they were: {reason}") == 1
    assert log.count("the API keys have been read again: there are 3") == 1
    assert "Traceback" not in log


def test_no_key_and_no_password_comes_into_the_log(guarded: Service, folder: Path) -> None:
    for headers in (bearer("a-strangers-key"), {"authorization": "Bearer malformed key"}):
        requests.get(guarded.collection, headers=headers, timeout=5)
    log = (folder / "log").read_text()
    assert "strangers" not in log
    assert "malformed key" not in log


def test_without_keys_one_warning_says_so(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        target = service("notifications", tmp_path / "data", log, WEB_CONCURRENCY="1")
        with target.process:
            target.process.wait_until_ready()
            before = tree(target)["worker"]
            assert target.process.process
            target.process.process.send_signal(signal.SIGHUP)
            wait_for(lambda: gone(before) and len(tree(target)["worker"]) == 1)
    (line,) = [each for each in (tmp_path / "log").read_text().splitlines() if "API_KEYS" in each]
    assert line.endswith("API_KEYS_FILE is not set: whoever reaches this service may do all")
    assert "[WARNING]" in line


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "", {}),
        ("POST", "", {}),
        ("GET", "/nothing", {}),
        ("GET", "?limit=0", {}),
        ("OPTIONS", "", {}),
        ("GET", "", {"Accept": "text/html"}),
    ],
)
def test_an_answer_is_what_it_says_and_names_no_server(
    either: Service, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = requests.request(method, either.collection + path, headers=headers, timeout=5)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not {"Server", "X-Powered-By", "Via"} & set(answer.headers)


def test_so_does_the_refusal_of_what_is_no_http(either: Service) -> None:
    address: Any = urlsplit(either.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        answer = connection.makefile("rb").read().lower()
    assert answer.startswith(b"http/1.1 400 ")
    assert b"\r\nx-content-type-options: nosniff\r\n" in answer
    assert b"\r\nserver:" not in answer
