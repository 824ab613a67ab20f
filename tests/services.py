"""The services as the tests start them, and what their resources look like."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, NamedTuple

from development.service_process import ServiceProcess
from tests.examples import EVENT, NOTIFICATION


class Service(NamedTuple):
    """A running service, and what its resources look like."""

    collection: str  # the URL
    example: dict[str, Any]
    text: str  # a member that is a text
    process: ServiceProcess

    @property
    def url(self) -> str:
        return self.process.url


KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "events": (EVENT, "title"),
    "notifications": (NOTIFICATION, "subject"),
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def service(name: str, data_dir: Path, log: Any = None, **settings: str) -> Service:
    """A service of that name, not yet started."""
    example, text = KINDS[name]
    address = {"HOST": "127.0.0.1", "PORT": str(free_port()), "DATA_DIR": str(data_dir)}
    process = ServiceProcess(f"{name}_microservice", address | settings, log)
    return Service(f"{process.url}/{name}", example, text, process)
