"""Another commit of this project, checked out beside the working tree."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def worktree(project: Path, revision: str) -> Iterator[Path]:
    """A checkout of a commit in a temporary directory, for as long as it is needed.

    Raises:
        SystemExit: the revision is no commit of the project; the message says so.
    """
    try:
        commit = _git(project, "rev-parse", "--verify", f"{revision}^{{commit}}", quiet=True)
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit(f"{revision!r} is no commit of the git repository {project}") from None
    with tempfile.TemporaryDirectory(prefix="eventpost-") as directory:
        path = Path(directory, "base")
        try:
            _git(project, "worktree", "add", "--quiet", "--detach", str(path), commit)
            yield path
        finally:
            # NOTE: git that was interrupted while it made the worktree has removed it itself.
            if path.exists():
                _git(project, "worktree", "remove", "--force", str(path))


def commit_name(checkout: Path) -> str:
    """Return the short hash of a checkout's commit, and the first line of its message."""
    return _git(checkout, "log", "-1", "--format=%h %s")


def _git(directory: Path, *arguments: str, quiet: bool = False) -> str:
    ended = subprocess.run(
        ["git", "-C", str(directory), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        text=True,
        check=True,
    )
    return ended.stdout.strip()
