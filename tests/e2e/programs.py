"""Programs of this project in Python, run as people type them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).parents[2]
DEADLINE_S = 30.0

TASK_TOOL = ("-m", "development.task_tool")


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A program that has ended by itself, and what it said."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def fixtures(*arguments: str) -> subprocess.CompletedProcess[str]:
    return ended("fixtures.py", *arguments)


def ended_with_a_line(arguments: Sequence[str], status: int) -> str:
    """The one line with which a program ends with that status."""
    program = ended(*arguments)
    assert (program.returncode, program.stdout) == (status, ""), program.stderr
    (line,) = program.stderr.splitlines()
    return line
