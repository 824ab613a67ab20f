from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.performance import comparison

PROJECT = Path(__file__).parents[3]


def test_loads_are_chosen_by_a_part_of_their_name() -> None:
    (setting,) = comparison.chosen(comparison.SETTINGS, "mix")
    assert [load.name.partition(":")[0] for load in setting.loads] == ["mix"]
    assert setting.events == 100


def test_every_load_is_chosen_where_no_name_is_given() -> None:
    assert comparison.chosen(comparison.SETTINGS, "") == list(comparison.SETTINGS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--base", "HEAD", "--rounds", "0"), "argument --rounds: '0' is not a whole number"),
        (("--base", "HEAD", "--seconds", "x"), "argument --seconds: 'x' is not a whole number"),
        (("--base", "HEAD", "--only", "delete all"), "no load has 'delete all' in its name"),
        (("--base", "HEAD", "--set", "LOG_REQUESTS"), "'LOG_REQUESTS' is no NAME=VALUE"),
        (("--base", "HEAD", "--set", "A=b"), "the comparison needs wrk"),
        (("--base", "HEAD"), "the comparison needs wrk"),
    ],
)
def test_what_cannot_work_ends_with_one_clear_line(options: tuple[str, ...], said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.performance.comparison", *options],
        cwd=PROJECT,
        env={**os.environ, "PATH": ""},  # where there is no wrk
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode != 0
    assert said in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
