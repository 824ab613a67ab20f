from __future__ import annotations

from pathlib import Path

import pytest

from development.containers import ContainerFailure, find_engine


def install(directory: Path, engine: str, status: int) -> None:
    """Put a command of that name there which ends with that status."""
    (directory / engine).write_text(f"#!/bin/sh\nexit {status}\n")
    (directory / engine).chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_docker_is_taken_before_podman(path: Path) -> None:
    install(path, "docker", 0)
    install(path, "podman", 0)
    assert find_engine() == "docker"


def test_podman_is_taken_where_no_docker_engine_runs(path: Path) -> None:
    install(path, "docker", 1)
    install(path, "podman", 0)
    assert find_engine() == "podman"


def test_without_an_engine_one_line_says_what_to_install(path: Path) -> None:
    install(path, "docker", 1)
    with pytest.raises(ContainerFailure, match="apt install podman"):
        find_engine()
