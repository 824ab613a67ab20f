"""The files that make containers: linted, alike, and started as docker-compose.yml says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from development.containers import PORTS, Container, find_engine
from tests.services import free_port

PROJECT = Path(__file__).parents[2]
DOCKERFILES = ("Events.dockerfile", "Notifications.dockerfile")


def test_hadolint_finds_nothing_in_the_dockerfiles() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint
    ended = subprocess.run(
        [hadolint, *DOCKERFILES], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_dockerfiles_differ_only_in_the_name_of_the_service() -> None:
    events, notifications = ((PROJECT / name).read_text() for name in DOCKERFILES)
    assert events.replace("events", "notifications") == notifications


@pytest.fixture
def composed(tmp_path: Path) -> Iterator[list[Container]]:
    """docker-compose.yml, started with other ports and volumes than a user's."""
    engine = find_engine()
    project = f"eventpost-test-{uuid.uuid4()}"
    definition: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    containers = []
    for service, port in PORTS.items():
        defined = definition["services"][service]
        assert defined["ports"] == [f"127.0.0.1:{port}:8080"]
        assert defined["volumes"] == [f"{service}:/data"]
        assert definition["volumes"][service]["name"] == f"eventpost-{service}"
        name = f"{project}-{service}"
        defined["container_name"] = definition["volumes"][service]["name"] = name
        containers.append(Container(engine, service, name, free_port()))
        defined["ports"] = [f"127.0.0.1:{containers[-1].port}:8080"]
    (tmp_path / "compose.json").write_text(json.dumps(definition))
    # NOTE: Debian's podman has no compose command of its own.
    podman_compose = (sys.executable, "-m", "podman_compose")
    compose = ("docker", "compose") if engine == "docker" else podman_compose
    command = [*compose, "-p", project, "-f", str(tmp_path / "compose.json")]
    try:
        subprocess.run([*command, "up", "--detach", "--no-build"], check=True)
        yield containers
    finally:
        subprocess.run([*command, "down", "--volumes"], check=True)


def test_compose_starts_both_services_confined_as_the_task_does(composed: list[Container]) -> None:
    for container in composed:
        container.wait_until_ready()
        for setting, value in {
            "ReadonlyRootfs": "true",
            "RestartPolicy.Name": "unless-stopped",
            "Memory": str(2**30),
            "NanoCpus": str(2 * 10**9),
            "PidsLimit": "512",
        }.items():
            assert container.inspect(f"{{{{.HostConfig.{setting}}}}}") == value
        status = container.execute("cat", "/proc/1/status")
        assert "CapBnd:\t0000000000000000\n" in status
        assert "NoNewPrivs:\t1\n" in status
