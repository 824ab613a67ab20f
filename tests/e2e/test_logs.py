"""The log of a whole service, as machines read it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

from tests.e2e.connections import say
from tests.process_tree import DEADLINE_S, tree, wait_for
from tests.services import free_port, service

PROJECT = Path(__file__).parents[2]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def lines(log: Path) -> list[dict[str, Any]]:
    """The lines of a log, each of which must be an object."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_every_line_of_every_process_is_an_object_and_every_request_has_one(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    settings = {"LOG_FORMAT": "json", "LOG_REQUESTS": "all", "WEB_CONCURRENCY": "2"}
    with log.open("wb") as output:
        target = service("notifications", tmp_path / "data", output, **settings)
        with target.process:
            target.process.wait_until_ready()
            headers = {"X-Request-ID": "an-id", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
            created = requests.post(
                target.collection, json=target.example, headers=headers, timeout=5
            )
            created.raise_for_status()
            address = target.example["to_mail"]
            found = requests.get(target.collection, params={"to_mail": address}, timeout=5)
            assert found.status_code in (200, 503)
            say(target, b"GARBAGE s3cret\r\n\r\n", 100)
            (mongod,) = tree(target)["mongod"]
            mongod.kill()
            wait_for(lambda: "starting it again" in log.read_text())
            assert target.process.process
            target.process.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "Handling signal: hup" in log.read_text())
    said = lines(log)
    assert address not in log.read_text()
    assert "s3cret" not in log.read_text()
    assert {"gunicorn.error", "microservice_chassis.process.launcher"} <= {
        each["logger"] for each in said
    }
    (post,) = [each for each in said if each.get("method") == "POST"]
    wanted = {"request_id": "an-id", "route": "/notifications", "status": 201, "trace_id": TRACE}
    assert {name: post[name] for name in wanted} == wanted
    assert post["duration_ms"] > 0
    (search,) = [each for each in said if each.get("parameters") == ["to_mail"]]
    assert search["cache"]
    (refused,) = [each for each in said if "is refused" in each["message"]]
    assert (refused["status"], refused["level"]) == (400, "info")


def test_a_start_that_fails_is_a_line_as_well(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = subprocess.run(
        [sys.executable, "-m", "events_microservice"],
        cwd=PROJECT,
        env={
            **os.environ,
            "LOG_FORMAT": "json",
            "PORT": str(free_port()),
            "DATA_DIR": str(tmp_path / "file" / "data"),
        },
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert ended.returncode == 1
    said = json.loads(ended.stderr)
    assert said["level"] == "critical"
    assert said["message"].startswith("EventPost cannot start: DATA_DIR=")
