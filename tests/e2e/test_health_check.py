from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.services import Service, free_port

PROJECT = Path(__file__).parents[2]


def check(port: str) -> subprocess.CompletedProcess[str]:
    """What the HEALTHCHECK of the images does."""
    return subprocess.run(
        [sys.executable, "-m", "microservice_chassis.process.health_check"],
        env={**os.environ, "PORT": port},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )


def test_a_service_that_is_ready_is_healthy(either: Service) -> None:
    ended = check(either.url.rpartition(":")[2])
    assert (ended.returncode, ended.stderr) == (0, "")


def test_where_nobody_answers_one_line_says_so() -> None:
    port = str(free_port())
    ended = check(port)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert f"port {port} is not ready" in line
