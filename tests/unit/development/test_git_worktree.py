from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.performance.git_worktree import commit_name, worktree

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(directory: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    command = ["git", *identity, "-C", str(directory), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with two commits, and a change in the working tree."""
    git(tmp_path, "init", "--quiet")
    for text in ("first", "second"):
        (tmp_path / "file").write_text(text)
        git(tmp_path, "add", "file")
        git(tmp_path, "commit", "--quiet", "--no-verify", "--message", f"Write the {text}")
    (tmp_path / "file").write_text("not committed")
    return tmp_path


def test_a_worktree_holds_the_commit_and_is_gone_afterwards(repository: Path) -> None:
    with worktree(repository, "HEAD~1") as path:
        assert (path / "file").read_text() == "first"
        assert commit_name(path).endswith(" Write the first")
    assert not path.parent.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert (repository / "file").read_text() == "not committed"


def test_a_worktree_is_removed_when_the_comparison_is_stopped(repository: Path) -> None:
    seen: list[Path] = []
    with suppress(KeyboardInterrupt), worktree(repository, "HEAD") as path:
        seen.append(path)
        (path / "file").write_text("changed meanwhile")
        raise KeyboardInterrupt
    assert [path.parent.exists() for path in seen] == [False]
    assert len(git(repository, "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("revision", ["nothing", "", "--all", "HEAD:file"])
def test_what_is_no_commit_is_refused_with_one_line(repository: Path, revision: str) -> None:
    refused = pytest.raises(SystemExit, match="is no commit of the git repository")
    with refused, worktree(repository, revision):
        raise AssertionError


def test_a_folder_without_a_repository_is_refused_with_one_line(tmp_path: Path) -> None:
    refused = pytest.raises(SystemExit, match="is no commit of the git repository")
    with refused, worktree(tmp_path, "HEAD"):
        raise AssertionError
