"""Everything that the benchmark measures, up and running at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_plus

import psutil
import requests

from tests.performance.bare import served, wait_until_served
from tests.performance.benchmark_report import NOTHING, NULL, Memory
from tests.redis_server import RedisServer
from tests.services import Service, free_port, service

FIND_ONE = "find_one"
REDIS = "redis"
SIMPLE = "simple"

# As many as fixtures.py creates.
EVENTS = 5


class Server(NamedTuple):
    """One that answers."""

    url: str
    events: tuple[str, ...]  # their paths

    @property
    def event(self) -> str:
        return self.events[0]


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
                "events", directory / kind, log, LOG_LEVEL="warning", CACHE_TYPE=kind, **more
            )
            for kind, more in settings.items()
        }
        for each in services.values():
            running.enter_context(each.process).wait_until_ready()
        by_name = {kind: Server(each.url, seeded(each, EVENTS)) for kind, each in services.items()}
        events = by_name[NULL].events
        uri = f"mongodb://{quote_plus(str(directory / NULL / 'run' / 'mongodb.sock'))}"
        nothing = running.enter_context(served("do_nothing", log))
        find_one = running.enter_context(served("find_one", log, MONGODB_URI=uri))
        for name, url in ((NOTHING, nothing), (FIND_ONE, find_one)):
            wait_until_served(url + events[0])
            by_name[name] = Server(url, events)
        yield Servers(by_name, services[SIMPLE])


def seeded(events: Service, number: int) -> tuple[str, ...]:
    """Create that many events, and return their paths."""
    answers = [
        requests.post(events.collection, json=events.example, timeout=5) for _ in range(number)
    ]
    for answer in answers:
        answer.raise_for_status()
    return tuple(answer.headers["Location"] for answer in answers)


def memory(events: Service) -> Memory:
    """Return what the processes of a service take."""
    assert events.process.process
    launcher = psutil.Process(events.process.process.pid)
    children = [
        (each.name(), each.memory_full_info().pss / 1e6)
        for each in launcher.children(recursive=True)
    ]
    mongod = sum(pss for name, pss in children if name == "mongod")
    gunicorn = sum(pss for name, pss in children if name != "mongod")
    return Memory(gunicorn, mongod, gunicorn + mongod + launcher.memory_full_info().pss / 1e6)
