"""Bulk load: arrays of events over HTTP, beside `insert_many` straight from PyMongo.

    python -m tests.performance.bulk --rounds 10 --arrays 10

Both write documents of the same members to the same mongod, with the same indexes and the same
write concern, in turn, so that what else the machine does strikes both.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import msgspec
import requests
from bson import ObjectId
from pymongo import IndexModel, MongoClient
from pymongo.collection import Collection

import fixtures
from development import command_line
from development.command_line import whole_number
from events_microservice.models.event import Event
from microservice_chassis.http.bulk import MOST_ELEMENTS
from microservice_chassis.schema.schema import Schema
from microservice_chassis.storage.codec import DocumentCodec
from tests.performance.cpu_time import cpu_time
from tests.performance.machine import machine
from tests.services import Service, service

CLIENTS = (1, 4)

# What the service has, too.
_DURABLE = "w=majority&journal=true"


class Cost(NamedTuple):
    """What 1,000 events take in one round."""

    wall_ms: float
    cpu_ms: float  # of client, server and mongod


class Round(NamedTuple):
    """Both ways in one round."""

    straight: Cost
    http: Cost


@contextmanager
def _database(data_dir: Path) -> Iterator[Any]:
    socket = quote_plus(str(data_dir / "run" / "mongodb.sock"))
    with MongoClient[dict[str, Any]](f"mongodb://{socket}/?{_DURABLE}") as client:
        yield client["EventsMicroservice"]


def _same_indexes(database: Any) -> Collection[dict[str, Any]]:
    """Return a collection beside the service's, with the indexes that this one has."""
    straight: Collection[dict[str, Any]] = database["Straight"]
    indexes = [
        IndexModel(
            list(index["key"].items()),
            **{name: value for name, value in index.items() if name not in ("v", "key", "ns")},
        )
        for index in database["Events"].list_indexes()
        if index["name"] != "_id_"
    ]
    if indexes:
        straight.create_indexes(indexes)
    return straight


def _documents(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events as the service writes them."""
    schema = Schema(Event)
    codec, now = DocumentCodec(schema, {}), datetime.now(UTC)
    resources = (
        msgspec.structs.replace(schema.parse(each), created_at=now, updated_at=now).with_derived()
        for each in events
    )
    return [{"_id": ObjectId(), **codec.document(each), "revision": 1} for each in resources]


def _cost(target: Service, work: Sequence[Callable[[], None]], events: int) -> Cost:
    """Do all of the work at once, and return what it took for 1,000 events of so many."""
    threads = [threading.Thread(target=each) for each in work]
    cpu, client_s, began_s = cpu_time(target), time.process_time(), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = time.monotonic() - began_s
    cpu_s = sum(cpu_time(target).since(cpu)) + time.process_time() - client_s
    return Cost(wall_s * 1e6 / events, cpu_s * 1e6 / events)


def _insert(straight: Collection[dict[str, Any]], arrays: list[list[dict[str, Any]]]) -> None:
    for array in arrays:
        straight.insert_many(array)


def _post(url: str, bodies: list[bytes]) -> None:
    with requests.Session() as session:
        for body in bodies:
            headers = {"Content-Type": "application/json"}
            session.post(url, body, headers=headers, timeout=60).raise_for_status()


def _round(
    target: Service, straight: Collection[dict[str, Any]], arrays: int, clients: int, number: int
) -> Round:
    """Measure both; who is first changes with the number of the round."""
    events = fixtures.events(random.Random(number))
    given = [[list(islice(events, MOST_ELEMENTS)) for _ in range(arrays)] for _ in range(clients)]
    inserts = [partial(_insert, straight, [_documents(each) for each in mine]) for mine in given]
    posts = [
        partial(_post, target.collection, [msgspec.json.encode(each) for each in mine])
        for mine in given
    ]
    count = clients * arrays * MOST_ELEMENTS
    if number % 2:
        first = _cost(target, inserts, count)
        return Round(first, _cost(target, posts, count))
    first = _cost(target, posts, count)
    return Round(_cost(target, inserts, count), first)


def measure(rounds: int, arrays: int) -> dict[int, list[Round]]:
    """Return the rounds by the number of clients."""
    measured: dict[int, list[Round]] = {clients: [] for clients in CLIENTS}
    with tempfile.TemporaryDirectory(prefix="eventpost-") as directory:
        target = service("events", Path(directory), LOG_LEVEL="warning")
        with target.process, _database(Path(directory)) as database:
            target.process.wait_until_ready()
            straight = _same_indexes(database)
            for number in range(rounds + 1):
                for clients in CLIENTS:
                    sys.stderr.write(f"round {number} of {rounds}, {clients} clients\n")
                    both = _round(target, straight, arrays, clients, number)
                    if number:  # the first one warms up
                        measured[clients].append(both)
                    database["Events"].delete_many({})
                    straight.delete_many({})
    return measured


def report(measured: dict[int, list[Round]]) -> list[str]:
    """Return a table (Markdown)."""
    lines = [
        "| clients | what | insert_many | HTTP | insert_many/HTTP | from | to |",
        "|---|---|---|---|---|---|---|",
    ]
    for clients, rounds in measured.items():
        for what, name in (("wall", "wall_ms"), ("CPU", "cpu_ms")):
            pairs = [(getattr(each.straight, name), getattr(each.http, name)) for each in rounds]
            ratios = [straight / http for straight, http in pairs]
            straight, http = (median(column) for column in zip(*pairs, strict=True))
            lines.append(
                f"| {clients} | {what} | {straight:.0f} ms | {http:.0f} ms | {median(ratios):.2f}"
                f" | {min(ratios):.2f} | {max(ratios):.2f} |"
            )
    return lines


def main() -> None:
    """Measure, and print the table."""
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("--rounds", type=whole_number, default=10, help="rounds (10)")
    parser.add_argument("--arrays", type=whole_number, default=10, help="of each client (10)")
    arguments = parser.parse_args()
    measured = measure(arguments.rounds, arguments.arrays)
    lines = [
        f"Arrays of {MOST_ELEMENTS:,} events; {machine()}.",
        f"{arguments.rounds} rounds of {arguments.arrays} arrays for each client: medians for 1,000"
        " events, and of the ratios within the rounds the median, the lowest and the highest.",
        "",
        *report(measured),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    command_line.run(main)
