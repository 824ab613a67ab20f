"""What `./invoke delivery-status` says of the figures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from development.delivery_status import lines
from notifications_microservice.models.figures import Figures

PROJECT = Path(__file__).parents[3]


def test_an_idle_delivery_is_all_zeros() -> None:
    assert list(lines(Figures(0, 0, 0, {}, {}, 0, 0, None))) == [
        "due        0",
        "sending    0",
        "sent       0",
        "deferred   0 attempts",
        "failed     0",
        "missed     0",
    ]


def test_what_is_late_and_what_has_failed_is_told_with_its_measure() -> None:
    figures = Figures(
        sent=100,
        deferred=7,
        missed=2,
        failed={"recipient": 3, "content": 1},
        delays={"10": 60, "50": 38, "more": 2},
        due=12,
        sending=4,
        oldest_s=5_400,
    )
    assert list(lines(figures)) == [
        "due        12, the oldest for 1.5 h",
        "sending    4",
        "sent       100",
        "deferred   7 attempts",
        "failed     4 (1 content, 3 recipient)",
        "missed     2",
        "late by    up to 10 ms (50%), more than 1 d (99%), more than 1 d (100%)",
    ]


def test_without_a_service_there_is_one_line(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "development.delivery_status"],
        cwd=PROJECT,
        env={**os.environ, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("nothing is known of the delivery: no service runs on DATA_DIR=")
