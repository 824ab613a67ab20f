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
from tests.performance.machine import machine
from tests.services import service

CLIENTS = (1, 4)

# What the service has, too.
_DURABLE = "w=majority&journal=true"


class Rate(NamedTuple):
    """Events per second in one round."""

    straight: float
    http: float


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


def _seconds(work: Sequence[Callable[[], None]]) -> float:
    """Do all of it at once, and return how long it took."""
    threads = [threading.Thread(target=each) for each in work]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - began


def _insert(straight: Collection[dict[str, Any]], arrays: list[list[dict[str, Any]]]) -> None:
    for array in arrays:
        straight.insert_many(array)


def _post(url: str, bodies: list[bytes]) -> None:
    with requests.Session() as session:
        for body in bodies:
            headers = {"Content-Type": "application/json"}
            session.post(url, body, headers=headers, timeout=60).raise_for_status()


def _round(
    url: str, straight: Collection[dict[str, Any]], arrays: int, clients: int, number: int
) -> Rate:
    """Measure both; who is first changes with the number of the round."""
    events = fixtures.events(random.Random(number))
    given = [[list(islice(events, MOST_ELEMENTS)) for _ in range(arrays)] for _ in range(clients)]
    inserts = [partial(_insert, straight, [_documents(each) for each in mine]) for mine in given]
    posts = [partial(_post, url, [msgspec.json.encode(each) for each in mine]) for mine in given]
    if number % 2:
        straight_s, http_s = _seconds(inserts), _seconds(posts)
    else:
        http_s, straight_s = _seconds(posts), _seconds(inserts)
    count = clients * arrays * MOST_ELEMENTS
    return Rate(count / straight_s, count / http_s)


def measure(rounds: int, arrays: int) -> dict[int, list[Rate]]:
    """Return the rates by the number of clients."""
    measured: dict[int, list[Rate]] = {clients: [] for clients in CLIENTS}
    with (
        tempfile.TemporaryDirectory(prefix="eventpost-") as directory,
        service("events", Path(directory), LOG_LEVEL="warning").process as running,
    ):
        running.wait_until_ready()
        url = f"{running.url}/events"
        with _database(Path(directory)) as database:
            straight = _same_indexes(database)
            for number in range(rounds + 1):
                for clients in CLIENTS:
                    sys.stderr.write(f"round {number} of {rounds}, {clients} clients\n")
                    rate = _round(url, straight, arrays, clients, number)
                    if number:  # the first one warms up
                        measured[clients].append(rate)
                    database["Events"].delete_many({})
                    straight.delete_many({})
    return measured


def report(measured: dict[int, list[Rate]]) -> list[str]:
    """Return a table (Markdown)."""
    lines = [
        "| clients | insert_many, events/s | HTTP, events/s | HTTP/insert_many | from | to |",
        "|---|---|---|---|---|---|",
    ]
    for clients, rates in measured.items():
        ratios = [rate.http / rate.straight for rate in rates]
        straight, http = (median(column) for column in zip(*rates, strict=True))
        lines.append(
            f"| {clients} | {straight:,.0f} | {http:,.0f} | {median(ratios):.2f}"
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
        f"{arguments.rounds} rounds of {arguments.arrays} arrays for each client: medians, and of"
        " the ratios within the rounds the median, the lowest and the highest.",
        "",
        *report(measured),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    command_line.run(main)
