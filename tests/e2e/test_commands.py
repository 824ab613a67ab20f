"""What people type: fixtures.py and ./invoke run."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from development.house import PACKAGES
from tests.services import Service, free_port

PROJECT = Path(__file__).parents[2]
DEADLINE_S = 30.0


def fixtures(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "fixtures.py", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_five_resources_are_created_and_reported(either: Service) -> None:
    ended = fixtures(either.collection, either.collection.rpartition("/")[2])
    assert ended.returncode == 0, ended.stderr
    identifiers = [line.removeprefix("created ") for line in ended.stdout.splitlines()]
    assert len(identifiers) == 5
    for identifier in identifiers:
        assert requests.get(f"{either.collection}/{identifier}", timeout=5).status_code == 200


def test_many_are_counted_with_a_progress_bar(events: Service) -> None:
    ended = fixtures(events.collection, "events", "--count", "50", "--seed", "1")
    assert (ended.returncode, ended.stdout) == (0, "created 50 events\n")
    assert "50/50" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the following arguments are required: url, resource"),
        (("http://127.0.0.1:1/events", "people"), "invalid choice: 'people'"),
        (("127.0.0.1:1/events", "events"), "is not a URL like http://127.0.0.1:8000/events"),
        (("http://127.0.0.1:1/events", "events", "--count", "0"), "not a whole number from 1 up"),
        (("http://127.0.0.1:1/events", "events", "--seed", "x"), "invalid int value: 'x'"),
        (("http://127.0.0.1:1/events", "events"), "cannot be reached: [Errno 111]"),
        (("http://[::/events", "events"), "cannot be reached"),
    ],
)
def test_what_cannot_work_ends_with_one_clear_line(arguments: tuple[str, ...], said: str) -> None:
    ended = fixtures(*arguments)
    assert ended.returncode != 0
    assert said in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_a_service_that_refuses_ends_with_one_clear_line(running: dict[str, Service]) -> None:
    ended = fixtures(running["events"].collection, "notifications")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "refused a resource with status 422" in line
    ended = fixtures(f"{running['events'].url}/nothing", "events")
    assert "refused a resource with status 404" in ended.stderr


class NotEventPost(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(201)
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), NotEventPost) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/events"
        server.shutdown()


def test_a_stranger_at_the_url_ends_with_one_clear_line(stranger: str) -> None:
    ended = fixtures(stranger, "events")
    assert ended.returncode == 1
    assert ended.stderr == f"{stranger} does not answer like EventPost\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project, so that the data of whoever runs the tests stays as it is."""
    for name in (*PACKAGES, "development"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    for name in ("tasks.py", "fixtures.py", "gunicorn.conf.py"):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


def free_pair() -> int:
    """A free port behind which the next one is free, too."""
    while True:
        port = free_port()
        with suppress(OSError), socket.create_server(("127.0.0.1", port + 1)):
            return port


def start(checkout: Path, port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "invoke", "run", "--port", str(port)],
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def banner(run: subprocess.Popen[str]) -> str:
    """What `run` prints until it tells how to stop it."""
    assert run.stdout
    lines = []
    for line in run.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    return "".join(lines)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_run_starts_both_services_and_keeps_their_data(
    checkout: Path, signum: signal.Signals
) -> None:
    port = free_pair()
    urls = (f"http://127.0.0.1:{port}/events", f"http://127.0.0.1:{port + 1}/notifications")
    created = []
    with start(checkout, port) as run:
        said = banner(run)
        assert all(url in said for url in urls), said
        for url in urls:
            ended = fixtures(url, url.rpartition("/")[2])
            created.append(ended.stdout.split()[1::2])
        run.send_signal(signum)
        assert run.wait(DEADLINE_S) == 0
    with start(checkout, port) as run:
        banner(run)
        found = [
            [resource["id"] for resource in requests.get(url, timeout=5).json()] for url in urls
        ]
        run.send_signal(signum)
        assert run.wait(DEADLINE_S) == 0
    assert found == created


def test_run_ends_when_a_service_cannot_start(checkout: Path, events: Service) -> None:
    port = int(events.url.rpartition(":")[2])
    with start(checkout, port) as run:
        said, _ = run.communicate(timeout=DEADLINE_S)
    assert run.returncode == 1
    # The port behind it, where notifications would listen, may be taken as well.
    refused = rf"EventPost cannot start: HOST=127.0.0.1 PORT=({port}|{port + 1}) cannot be listened"
    assert re.search(refused, said)
    assert "EventPost stopped: " in said.splitlines()[-1]
