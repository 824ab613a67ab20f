"""Both services side by side, for the tasks that start them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from development.service_process import ServiceProcess
from microservice_chassis.process.launcher import check_address
from microservice_chassis.settings import ServerSettings, read_settings

NAMES = ("events", "notifications")

_POLL_INTERVAL_S = 0.5


@contextmanager
def both_services(
    first_port: int, data: Path, settings: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[dict[str, ServiceProcess]]:
    """Around what both services are for: each with a MongoDB of its own, and ready.

    Events listens on `first_port`, notifications on the next one; `settings` are those of either.

    Raises:
        ServiceFailure: one of them cannot start.
        SystemExit: its port is taken.
    """
    services = {}
    for offset, name in enumerate(NAMES):
        address = {"HOST": "127.0.0.1", "PORT": str(first_port + offset)}
        # NOTE: else whoever listens there already would be taken for the service.
        check_address(read_settings(ServerSettings, address))
        given = {"DATA_DIR": str(data / name), **(settings or {}).get(name, {})}
        services[name] = ServiceProcess(f"{name}_microservice", address | given)
    with ExitStack() as running:
        for service in services.values():
            running.enter_context(service)
        for service in services.values():
            service.wait_until_ready()
        yield services


def watch(services: Mapping[str, ServiceProcess]) -> None:
    """Return never, while all of them run.

    Raises:
        ServiceFailure: one of them has ended.
    """
    while True:
        for service in services.values():
            service.check()
        time.sleep(_POLL_INTERVAL_S)
