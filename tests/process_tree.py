"""The processes of a running service, and what tests wait for."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from urllib.parse import urlsplit

import psutil

from tests.services import Service

DEADLINE_S = 20.0


def wait_for(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def tree(service: Service) -> dict[str, list[psutil.Process]]:
    """The processes of a service by the part that they play."""
    assert service.process.process
    launcher = psutil.Process(service.process.process.pid)
    parts: dict[str, list[psutil.Process]] = defaultdict(list, launcher=[launcher])
    for process in launcher.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.ppid() != launcher.pid:
                parts["worker"].append(process)
            elif process.name() == "mongod":
                parts["mongod"].append(process)
            elif "notifications_microservice.delivery" in process.cmdline():
                parts["dispatcher"].append(process)
            else:
                parts["master"].append(process)
    return parts


def everybody(service: Service) -> list[psutil.Process]:
    return list(chain.from_iterable(tree(service).values()))


def client_connections(service: Service) -> dict[psutil.Process, int]:
    """How many connections of clients each worker has."""
    port = urlsplit(service.url).port
    connected: dict[psutil.Process, int] = {}
    for worker in tree(service)["worker"]:
        with suppress(psutil.NoSuchProcess):
            connected[worker] = sum(
                each.laddr.port == port and each.status == psutil.CONN_ESTABLISHED
                for each in worker.net_connections()
            )
    return connected


def gone(processes: list[psutil.Process]) -> bool:
    return not any(
        process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes
    )
