"""Everything that the benchmark measures, up and running at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_plus

import psutil
import requests

from tests.e2e.conftest import Service, free_port, service
from tests.performance.bare import served, wait_until_served
from tests.performance.benchmark_report import NOTHING, NULL, Memory
from tests.redis_server import RedisServer

FIND_ONE = "find_one"
REDIS = "redis"
SIMPLE = "simple"

# As many as fixtures.py creates.
EVENTS = 5


class Server(NamedTuple):
    """One that answers."""

    url: str
    event: str  # the path of an event


class Servers(NamedTuple):
    """All that are measured."""

    by_name: dict[str, Server]
    simple: Service


@contextmanager
def servers(directory: Path) -> Iterator[Servers]:
    """The service with each CACHE_TYPE, and the bare applications."""
    with (directory / "log").open("wb") as log, ExitStack() as running:
        redis = running.enter_context(RedisServer(free_port(), directory))
        settings = {
            NULL: {},
            REDIS: {"CACHE_REDIS_URL": redis.url},
            SIMPLE: {},
        }
        services = {
            kind: service(
                "events", directory / kind, log, LOG_LEVEL="warning", CACHE_TYPE=kind, **own
            )
            for kind, own in settings.items()
        }
        for own in services.values():
            running.enter_context(own.process).wait_until_ready()
        by_name = {kind: Server(own.url, seeded(own)) for kind, own in services.items()}
        path = by_name[NULL].event
        uri = f"mongodb://{quote_plus(str(directory / NULL / 'run' / 'mongodb.sock'))}"
        nothing = running.enter_context(served("do_nothing", log))
        find_one = running.enter_context(served("find_one", log, MONGODB_URI=uri))
        for name, url in ((NOTHING, nothing), (FIND_ONE, find_one)):
            wait_until_served(url + path)
            by_name[name] = Server(url, path)
        yield Servers(by_name, services[SIMPLE])


def seeded(own: Service) -> str:
    """Create some events, and return the path of the first."""
    paths = [
        requests.post(own.collection, json=own.example, timeout=5).headers["Location"]
        for _ in range(EVENTS)
    ]
    return paths[0]


def memory(own: Service) -> Memory:
    """Return what the processes of a service take."""
    assert own.process.process
    launcher = psutil.Process(own.process.process.pid)
    children = [
        (each.name(), each.memory_full_info().pss / 1e6)
        for each in launcher.children(recursive=True)
    ]
    mongod = sum(pss for name, pss in children if name == "mongod")
    gunicorn = sum(pss for name, pss in children if name != "mongod")
    return Memory(gunicorn, mongod, gunicorn + mongod + launcher.memory_full_info().pss / 1e6)
