"""The services as containers, with docker, or with podman where no docker engine runs.

python -m development.containers build, run or stop: what the tasks of these names do.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.request import ProxyHandler, build_opener

from development import command_line

PROJECT = Path(__file__).resolve().parent.parent

# Where each service is published on 127.0.0.1; PORT inside a container is 8080.
PORTS = {"events": 8000, "notifications": 8001}

READY_TIMEOUT_S = 60.0

# A service may take 9 s to end: its requests in flight first, then its MongoDB.
STOP_TIMEOUT_S = 20

_POLL_INTERVAL_S = 0.1

# A proxy that is set for others (http_proxy) leads away from this machine.
_direct = build_opener(ProxyHandler({}))

# As in docker-compose.yml.
_CONFINED = (
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=1g",
    "--cpus=2",
    "--pids-limit=512",
)


class ContainerFailure(Exception):
    """A container engine is missing, or did not do as told; the message says what."""


class Container(NamedTuple):
    """One service in a container, with its data in a volume of the same name."""

    engine: str
    service: str
    name: str
    port: int

    @property
    def url(self) -> str:
        """Where the service is published."""
        return f"http://127.0.0.1:{self.port}"

    def run(self) -> None:
        """Make the container from the service's image, and start it.

        Raises:
            ContainerFailure: there is no such image, the port or the name is taken, ...
        """
        _tell(
            *(self.engine, "run", "--detach", "--name", self.name),
            *("--publish", f"127.0.0.1:{self.port}:8080", "--volume", f"{self.name}:/data"),
            *("--restart", "unless-stopped", "--stop-timeout", str(STOP_TIMEOUT_S)),
            *(*_CONFINED, image(self.service)),
        )

    def start(self) -> None:
        """Start it again after `stop` or `kill`."""
        _tell(self.engine, "start", self.name)

    def stop(self) -> int:
        """Stop it, and return the status with which the service ended."""
        _tell(self.engine, "stop", self.name)
        return int(self.inspect("{{.State.ExitCode}}"))

    def kill(self) -> None:
        """End every process in it at once, as a loss of power would."""
        _tell(self.engine, "kill", "--signal", "KILL", self.name)

    def remove(self) -> None:
        """Remove it, running or not; its volume stays."""
        _tell(self.engine, "rm", "--force", self.name)

    def remove_volume(self) -> None:
        """Remove its data."""
        _tell(self.engine, "volume", "rm", self.name)

    def exists(self) -> bool:
        """Whether there is such a container, running or not."""
        command = (self.engine, "container", "inspect", self.name)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def execute(self, *command: str) -> str:
        """Run a command inside, as its user, and return what it printed."""
        return _tell(self.engine, "exec", self.name, *command)

    def inspect(self, template: str) -> str:
        """Return what the engine knows of it; `template` is one of its Go templates."""
        return _tell(self.engine, "inspect", "--format", template, self.name)

    def wait_until_ready(self) -> None:
        """Return when the service answers that it is ready.

        Raises:
            ContainerFailure: it did not within READY_TIMEOUT_S.
        """
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            with suppress(OSError), _direct.open(f"{self.url}/health/ready", timeout=2):
                return
            time.sleep(_POLL_INTERVAL_S)
        raise ContainerFailure(
            f"{self.name} was not ready within {READY_TIMEOUT_S:.0f} s;"
            f" its log tells why: {self.engine} logs {self.name}"
        )


def find_engine() -> str:
    """Return "docker", or else "podman": the first that is installed and answers.

    Raises:
        ContainerFailure: none does.
    """
    for engine in ("docker", "podman"):
        command = (engine, "info")
        if shutil.which(engine) and not subprocess.run(command, capture_output=True).returncode:
            return engine
    raise ContainerFailure(
        "neither a docker nor a podman that works is here:"
        " install one, on Debian with: apt install podman, or start the docker engine"
    )


def image(service: str) -> str:
    """Return the name of the image of a service."""
    return f"eventpost-{service}"


def build(container: Container) -> None:
    """Build the image of a service from its Dockerfile."""
    # NOTE: podman's own image format knows no HEALTHCHECK.
    form = ("--format", "docker") if container.engine == "podman" else ()
    dockerfile = f"{container.service.capitalize()}.dockerfile"
    command = (container.engine, "build", *form, "--tag", image(container.service))
    if subprocess.run((*command, "--file", dockerfile, "."), cwd=PROJECT, check=False).returncode:
        raise ContainerFailure(
            f"{container.engine} could not build {dockerfile}; it says why above"
        )


def run(container: Container) -> None:
    """Start a service, in place of a container of that name that is already there."""
    if container.exists():
        container.stop()
        container.remove()
    container.run()
    container.wait_until_ready()
    print(f"{container.name} serves {container.url}/{container.service}", flush=True)


def stop(container: Container) -> None:
    """Stop a service, and report how it ended; its data stays."""
    if container.exists():
        print(f"{container.name} ended with status {container.stop()}", flush=True)
        container.remove()


def _tell(*command: str) -> str:
    """Run an engine's command, and return what it printed."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ["it did not say why"]
        raise ContainerFailure(f"{' '.join(command[:2])} failed: {said[-1]}")
    return ended.stdout.strip()


COMMANDS: dict[str, Callable[[Container], None]] = {"build": build, "run": run, "stop": stop}


def main() -> None:
    """Do as the command line says, for both services."""
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = COMMANDS[parser.parse_args().command]
    try:
        engine = find_engine()
        for service, port in PORTS.items():
            command(Container(engine, service, image(service), port))
    except ContainerFailure as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    command_line.run(main)
