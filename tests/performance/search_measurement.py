"""Searches over HTTP, each on few and on many events in turn."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import product
from typing import NamedTuple

from tests.performance.search_cursors import far_pages
from tests.performance.search_queries import SEARCHES, Parameters, Search
from tests.performance.search_samples import Client, Examined, Profile
from tests.performance.search_service import SearchedService

_SEED = 11

# How many searches of a kind are looked at with MongoDB's profiler, which slows them.
_PROFILED = 5


class Sample(NamedTuple):
    """All searches of one kind on one number of events."""

    took_ms: list[float]
    examined: list[Examined]


# By the name of a search and the number of events.
Measured = dict[str, dict[int, Sample]]


def measure(services: Mapping[int, SearchedService], values: int) -> Measured:
    """Measure every search with so many values on each number of events."""
    asked = {size: _parameters(each, values) for size, each in services.items()}
    measured: Measured = {
        search.name: {size: Sample([], []) for size in services} for search in SEARCHES
    }
    with ExitStack() as connected:
        clients = {
            size: connected.enter_context(Client(each.events.collection))
            for size, each in services.items()
        }
        for number in range(values + 1):
            sys.stderr.write(f"round {number} of {values}\n")
            for search, (size, client) in product(SEARCHES, clients.items()):
                parameters = asked[size][search.name]
                took = client.search(parameters[number % len(parameters)]).took_ms
                # NOTE: the first round warms up, and has values that no other has.
                if number:
                    measured[search.name][size].took_ms.append(took)
        for search, (size, client) in product(SEARCHES, clients.items()):
            profile = Profile(services[size].database)
            measured[search.name][size].examined.extend(
                profile.examined(client, parameters)
                for parameters in asked[size][search.name][:_PROFILED]
            )
    return measured


def _parameters(service: SearchedService, values: int) -> dict[str, list[Parameters]]:
    """Return what every search asks for, without the cursors the same of any number of events."""
    return {search.name: _values(search, service, values + 1) for search in SEARCHES}


def _values(search: Search, service: SearchedService, number: int) -> list[Parameters]:
    dice = random.Random(f"{_SEED} {search.name}")
    if search.far:
        return asyncio.run(far_pages(service, search.parameters(dice), number))
    return [search.parameters(dice) for _ in range(number)]
