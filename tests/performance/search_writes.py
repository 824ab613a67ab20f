"""What a POST costs with the indexes of searches, and without them."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from tests.performance.cpu_time import cpu_time
from tests.performance.search_data import given
from tests.performance.search_service import SearchedService, search_indexes, searched_service

_WARM_UP = 100

_TIMEOUT_S = 10.0


class Cost(NamedTuple):
    """Of one POST, in a round: the median of the times, and the CPU time."""

    took_ms: float
    server_us: float
    mongod_us: float

    @property
    def cpu_us(self) -> float:
        return self.server_us + self.mongod_us


class Round(NamedTuple):
    """Both, one directly after the other."""

    without: Cost
    indexed: Cost


def measure_writes(directory: Path, size: int, rounds: int, posts: int) -> list[Round]:
    """Create events, one after the other, in two services that have `size` of them."""
    with (directory / "log").open("wb") as log, ExitStack() as running:
        services = []
        for name in ("without", "indexed"):
            sys.stderr.write(f"preparing {size:,} events for writes, {name}\n")
            services.append(running.enter_context(searched_service(directory / name, size, log)))
        without, indexed = services
        for name in search_indexes():
            without.database["Events"].drop_index(name)
        dice = random.Random(size)
        for each in services:
            _cost(each, dice, _WARM_UP)
        measured = []
        for number in range(rounds):
            sys.stderr.write(f"round {number + 1} of {rounds} of writes\n")
            if number % 2:
                second = _cost(indexed, dice, posts)
                measured.append(Round(_cost(without, dice, posts), second))
            else:
                measured.append(Round(_cost(without, dice, posts), _cost(indexed, dice, posts)))
        return measured


def _cost(service: SearchedService, dice: random.Random, posts: int) -> Cost:
    bodies = [msgspec.json.encode(given(dice)) for _ in range(posts)]
    url = urlsplit(service.events.collection)
    connection = HTTPConnection(url.netloc, timeout=_TIMEOUT_S)
    headers: Mapping[str, str] = {"Content-Type": "application/json"}
    took_ms = []
    before = cpu_time(service.events)
    for body in bodies:
        begun_s = time.perf_counter()
        connection.request("POST", url.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        took_ms.append((time.perf_counter() - begun_s) * 1000)
        assert answer.status == 201, content.decode()
    taken = cpu_time(service.events).since(before)
    connection.close()
    per_post_us = 1e6 / posts
    return Cost(statistics.median(took_ms), taken.server * per_post_us, taken.mongod * per_post_us)
