"""The mutants, and the command that tries them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from development.mutants import PROJECT, MutantsFailure, applies, mutants, survivors

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def test_every_patch_still_applies() -> None:
    assert [each.name for each in mutants(PROJECT) if not applies(each, PROJECT)] == []


def test_every_patch_says_what_the_defect_is_and_which_tests_should_notice() -> None:
    for mutant in mutants(PROJECT):
        assert mutant.defect.endswith("."), mutant.name
        assert mutant.tests, mutant.name
        files = [test.partition("::")[0] for test in mutant.tests]
        assert [file for file in files if not (PROJECT / file).exists()] == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One with a test that notices one of two mutants."""
    (tmp_path / "numbers_.py").write_text("ONE = 1\nTWO = 2\n")
    (tmp_path / "test_one.py").write_text(
        "from numbers_ import ONE\n\ndef test_one() -> None:\n    assert ONE == 1\n"
    )
    folder = tmp_path / "tests" / "mutants"
    folder.mkdir(parents=True)
    hunks = {"ONE": "-ONE = 1\n+ONE = 3\n TWO = 2\n", "TWO": " ONE = 1\n-TWO = 2\n+TWO = 3\n"}
    for name, hunk in hunks.items():
        (folder / f"{name.lower()}.patch").write_text(
            f"{name} is 3.\nTests: test_one.py\n--- a/numbers_.py\n+++ b/numbers_.py\n"
            f"@@ -1,2 +1,2 @@\n{hunk}"
        )
    return tmp_path


def test_a_mutant_that_no_test_notices_survives(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = mutants(project)
    assert all(applies(mutant, project) for mutant in chosen)
    assert [mutant.name for mutant in survivors(project, chosen)] == ["two"]
    _, noticed, survived = capsys.readouterr().out.splitlines()
    assert noticed.startswith("noticed")
    assert noticed.endswith("one: ONE is 3.")
    assert survived.startswith("SURVIVED")
    assert (project / "numbers_.py").read_text() == "ONE = 1\nTWO = 2\n"


def test_one_can_be_chosen_by_its_name(project: Path) -> None:
    assert [mutant.name for mutant in mutants(project, "two")] == ["two"]
    with pytest.raises(MutantsFailure, match="there is no mutant 'three'"):
        mutants(project, "three")


def test_a_patch_that_no_longer_applies_is_named(project: Path) -> None:
    (project / "numbers_.py").write_text("ONE = 1\nTWO = 4\n")
    (two,) = mutants(project, "two")
    assert not applies(two, project)
    with pytest.raises(MutantsFailure, match=r"two\.patch no longer applies"):
        survivors(project, [two])


def test_tests_that_fail_anyway_notice_nothing(project: Path) -> None:
    (project / "test_one.py").write_text("def test_one() -> None:\n    assert False\n")
    with pytest.raises(MutantsFailure, match="must pass without a mutant"):
        survivors(project, mutants(project))
