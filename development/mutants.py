"""Mutants: known defects that the tests must notice.

The idea is that of DeMillo, Lipton and Sayward: *Hints on Test Data Selection* (1978).
Each mutant is a patch in tests/mutants/, headed by a line that says what the defect is, and one
that begins with `Tests:` and names those that should notice. They are applied one by one to a copy.

    python -m development.mutants [--only NAME]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parent.parent

# Far longer than the tests of any mutant take.
TIMEOUT_S = 300.0

_FOLDER = Path("tests", "mutants")

# What pytest ends with (pytest.ExitCode).
_PASSED, _FAILED = 0, 1


class Mutant(NamedTuple):
    """A defect, and the tests that should notice it."""

    name: str
    defect: str
    tests: tuple[str, ...]
    patch: Path


class MutantsFailure(Exception):
    """The mutants cannot be tried; the message says why."""


def mutants(project: Path, only: str = "") -> list[Mutant]:
    """Return the mutants of a project, or the one of that name.

    Raises:
        MutantsFailure: there is none of that name.
    """
    found = [_read(patch) for patch in sorted((project / _FOLDER).glob("*.patch"))]
    chosen = [mutant for mutant in found if only in ("", mutant.name)]
    if not chosen:
        raise MutantsFailure(f"there is no mutant {only!r} in {_FOLDER}/")
    return chosen


def applies(mutant: Mutant, project: Path) -> bool:
    """Whether the patch of a mutant still fits what is in a project."""
    return _git_apply(project, "--check", str(mutant.patch)) == 0


def survivors(project: Path, chosen: Sequence[Mutant]) -> list[Mutant]:
    """Return the mutants that no test notices, and print on the way what becomes of each.

    Raises:
        MutantsFailure: a patch no longer applies, or the tests fail, or cannot run, without it.
    """
    with tempfile.TemporaryDirectory(prefix="eventpost-mutants-") as directory:
        copy = Path(directory, "copy")
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        _run_without_mutant(copy, chosen)
        return [mutant for mutant in chosen if not _is_noticed(mutant, copy)]


def _run_without_mutant(copy: Path, chosen: Sequence[Mutant]) -> None:
    tests = sorted({test for mutant in chosen for test in mutant.tests})
    print(f"Without a mutant: {' '.join(tests)}", flush=True)
    if _run_tests(copy, tests) != _PASSED:
        raise MutantsFailure("the tests must pass without a mutant, and do not")


def _is_noticed(mutant: Mutant, copy: Path) -> bool:
    if _git_apply(copy, str(mutant.patch)) != 0:
        raise MutantsFailure(f"{mutant.patch.name} no longer applies: make it anew")
    began_s = time.monotonic()
    status = _run_tests(copy, mutant.tests)
    took_s = time.monotonic() - began_s
    _git_apply(copy, "--reverse", str(mutant.patch))
    if status not in (_PASSED, _FAILED):
        raise MutantsFailure(f"the tests of {mutant.name} ended with status {status}")
    outcome = "noticed" if status == _FAILED else "SURVIVED"
    print(f"{outcome:9}{took_s:6.1f} s  {mutant.name}: {mutant.defect}", flush=True)
    return status == _FAILED


def _run_tests(copy: Path, tests: Sequence[str]) -> int:
    """Return the status of pytest, which ends at the first test that fails."""
    options = ["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={copy.parent / 'pytest'}"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    # NOTE: bytecode of the file before would count if it was written in the same second.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    quiet = subprocess.DEVNULL
    try:
        return subprocess.run(
            command, cwd=copy, env=environment, stdout=quiet, stderr=quiet, timeout=TIMEOUT_S
        ).returncode
    except subprocess.TimeoutExpired:
        raise MutantsFailure(f"{' '.join(tests)} took longer than {TIMEOUT_S:.0f} s") from None


def _git_apply(directory: Path, *arguments: str) -> int:
    try:
        ended = subprocess.run(
            ["git", "apply", *arguments],  # noqa: S607  # wherever it is on PATH
            cwd=directory,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise MutantsFailure("git is needed, which applies the patches") from None
    return ended.returncode


def _read(patch: Path) -> Mutant:
    defect, tests, *_ = patch.read_text().splitlines()
    return Mutant(patch.stem, defect, tuple(tests.removeprefix("Tests: ").split()), patch)


def main() -> None:
    """Try the mutants, and exit with 1 where one survives."""
    parser = argparse.ArgumentParser(description="Name the known defects that no test notices.")
    parser.add_argument("--only", default="", metavar="NAME", help="one mutant")
    options = parser.parse_args()
    try:
        chosen = mutants(PROJECT, options.only)
        survived = survivors(PROJECT, chosen)
    except MutantsFailure as failure:
        raise SystemExit(f"Mutants: {failure}") from None
    print(f"{len(chosen) - len(survived)} of {len(chosen)} are noticed.")
    if survived:
        raise SystemExit(f"No test notices: {', '.join(mutant.name for mutant in survived)}")


if __name__ == "__main__":
    main()
