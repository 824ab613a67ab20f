"""What people type: ./invoke run, ./invoke demo, and tasks that cannot be run so."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from development.house import PACKAGES
from tests.e2e.programs import DEADLINE_S, PROJECT, TASK_TOOL, ended_with_a_line, fixtures
from tests.services import Service, free_port


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--port", "abc"), "--port: 'abc' is not a whole number from 1 to 65534"),
        (("run", "--port", "99999"), "--port: '99999' is not a whole number from 1 to 65534"),
        (("run", "--port"), "needed value"),
        (("bench", "--rounds", "0"), "argument --rounds: '0' is not a whole number from 1 up"),
        (("bench", "--rounds", "x"), "argument --rounds: 'x' is not a whole number from 1 up"),
        (("bench-search", "--values", "0"), "argument --values: '0' is not a whole number from 1"),
        (("compare",), "did not receive required positional arguments: 'base'"),
        (("compare", "--base", "HEAD", "--seconds", "0"), "argument --seconds: '0' is not"),
        (("performance", "--hold", "x"), "--hold: 'x' is not a whole number from 10 to 600"),
        (("fixtures", "http://a..b", "events"), "argument url: 'http://a..b' is not a URL like"),
        (("nothing",), "No idea what 'nothing' is!"),
        (("--nothing",), "No idea what '--nothing' is!"),
    ],
)
def test_a_task_that_cannot_be_run_so_is_refused_in_one_line(
    arguments: tuple[str, ...], said: str
) -> None:
    assert said in ended_with_a_line((*TASK_TOOL, *arguments), 2)


@pytest.mark.parametrize(
    "command",
    [
        (*TASK_TOOL, "--list"),
        (*TASK_TOOL, "migrate", "--dry-run"),
        ("fixtures.py", "URL", "events"),
    ],
)
def test_a_command_whose_output_nobody_reads_ends_quietly(
    events: Service, tmp_path: Path, command: tuple[str, ...]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        ended = subprocess.run(
            [sys.executable, *(events.collection if each == "URL" else each for each in command)],
            cwd=PROJECT,
            env={**os.environ, "DATA_DIR": str(tmp_path / "data"), "LOG_LEVEL": "error"},
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (141, "")


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


@contextmanager
def serving(checkout: Path, task: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """A task that serves; whatever becomes of the test, it stops, and what it says has an end."""
    with subprocess.Popen(
        [sys.executable, *TASK_TOOL, task, "--port", str(port)],
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        deadline = threading.Timer(2 * DEADLINE_S, process.kill)
        deadline.start()
        try:
            yield process
        finally:
            process.terminate()
            process.wait()
            deadline.cancel()


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
    with serving(checkout, "run", port) as run:
        said = banner(run)
        assert all(url in said for url in urls), said
        for url in urls:
            ended = fixtures(url, url.rpartition("/")[2])
            created.append(ended.stdout.split()[1::2])
        run.send_signal(signum)
        assert run.wait(DEADLINE_S) == 0
    with serving(checkout, "run", port) as run:
        banner(run)
        found = [
            [resource["id"] for resource in requests.get(url, timeout=5).json()] for url in urls
        ]
        run.send_signal(signum)
        assert run.wait(DEADLINE_S) == 0
    assert found == created


def test_the_demonstration_has_data_and_shows_the_mail_that_is_sent(checkout: Path) -> None:
    port = free_pair()
    with serving(checkout, "demo", port) as demo:
        said = banner(demo)
        assert demo.stdout
        assert f"http://127.0.0.1:{port}/docs" in said, said
        found = re.search(r"curl '(http://[^']*near=[^']*)'", said)
        assert found
        for url in (found[1], f"http://127.0.0.1:{port}/events.ics", f"{found[1]}&count=true"):
            requests.get(url, timeout=10).raise_for_status()
        assert any(
            "mail for you@example.com: EventPost sends reminders" in line for line in demo.stdout
        )
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(DEADLINE_S) == 0
        assert "The demonstration has stopped." in demo.stdout.read()


def test_run_ends_when_a_service_cannot_start(checkout: Path, events: Service) -> None:
    port = int(events.url.rpartition(":")[2])
    for first in (port, port - 1):  # where events would listen, and where notifications would
        with serving(checkout, "run", first) as run:
            said, _ = run.communicate(timeout=DEADLINE_S)
        assert run.returncode == 1
        # The port beside it may be taken as well.
        refused = (
            rf"EventPost cannot start: HOST=127.0.0.1 PORT=({first}|{port}) cannot be listened"
        )
        (line,) = said.splitlines()
        assert re.match(refused, line)
    assert not (checkout / ".eventpost").exists()
