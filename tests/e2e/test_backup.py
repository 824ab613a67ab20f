"""A backup of a running service, restored to where nothing was: it answers as the other one did."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.process_tree import tree
from tests.services import Service, service

PROJECT = Path(__file__).parents[2]
KEY = {"Idempotency-Key": "one-and-only"}


def run(command: str, name: str, file: Path, data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Type the task, with the DATA_DIR of a service."""
    return subprocess.run(
        [sys.executable, "-m", "invoke", command, "--service", name, "--file", str(file)],
        cwd=PROJECT,
        env={**os.environ, "DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


def data_dir(target: Service) -> Path:
    """Where a running service has its data."""
    (launcher,) = tree(target)["launcher"]
    return Path(launcher.environ()["DATA_DIR"])


def export(collection: str) -> bytes:
    """Everything that a service answers."""
    return requests.get(collection, headers={"Accept": "application/x-ndjson"}, timeout=30).content


def test_a_restored_service_answers_as_the_one_that_was_copied(
    notifications: Service, tmp_path: Path
) -> None:
    name, collection = "notifications", notifications.collection
    first = requests.post(
        notifications.collection, json=notifications.example, headers=KEY, timeout=5
    )
    tag = requests.get(f"{notifications.url}{first.headers['Location']}", timeout=5).headers["ETag"]
    file = tmp_path / "a copy.bson.gz"
    made = run("backup", name, file, data_dir(notifications))
    assert made.returncode == 0, made.stderr
    number = int(made.stdout.split()[0])
    assert made.stdout == f"{number} documents of {name} were copied to {file}\n"
    expected = export(collection)
    restored = run("restore", name, file, tmp_path / "data")
    assert restored.stdout == f"{number} documents of {name} were restored from {file}\n"
    target = service(name, tmp_path / "data", WEB_CONCURRENCY="2")
    with target.process:
        target.process.wait_until_ready()
        assert export(target.collection) == expected
        found = requests.get(f"{target.url}{first.headers['Location']}", timeout=5)
        assert found.headers["ETag"] == tag
        # What was created once stays so.
        again = requests.post(target.collection, json=target.example, headers=KEY, timeout=5)
        assert again.json() == first.json()
        # And nothing is put over what is there.
        refused = run("restore", name, file, tmp_path / "data")
        assert refused.returncode == 1
        assert "is not empty" in refused.stderr


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_what_cannot_be_copied_is_one_line(tmp_path: Path, command: str) -> None:
    file = tmp_path / "nowhere" / "events.bson.gz"
    ended = run(command, "events", file, tmp_path / "data")
    assert ended.returncode == 1
    assert ended.stderr == f"{command} failed: {file} cannot be used: No such file or directory\n"
