from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from development.containers import PROJECT, ContainerFailure, find_engine


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


@pytest.mark.parametrize("dockerfile", ["Events.dockerfile", "Notifications.dockerfile"])
def test_the_modules_that_an_image_runs_exist_and_are_copied_into_it(dockerfile: str) -> None:
    text = (PROJECT / dockerfile).read_text()
    commands = [json.loads(each) for each in re.findall(r"CMD (\[.+\])", text)]
    assert len(commands) == 2  # the health check's, and the service's
    for python, option, module in commands:
        assert (python, option) == ("python", "-m")
        assert find_spec(module)
        package = module.partition(".")[0]
        assert f"COPY {package} " in text
        assert f"!{package}" in (PROJECT / ".dockerignore").read_text().splitlines()


def test_both_images_are_built_on_one_base_of_a_full_version() -> None:
    bases = {
        re.findall(r"^ARG BASE=(.+)$", (PROJECT / name).read_text(), flags=re.M)[0]
        for name in ("Events.dockerfile", "Notifications.dockerfile")
    }
    (base,) = bases
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-bookworm", base)
    assert f"`{base.rpartition('/')[2]}`" in (PROJECT / "docs" / "containers.md").read_text()
