"""The promise of the cache: once a write has been answered, nobody reads what was before it.

Every item has a counter, its revision, which one writer raises; whoever reads an item or the list
takes note, before asking, of the revisions that had been acknowledged by then, and must not see
less. Nor may anybody see less of an item than somebody has seen before.

Each write has a number of its own, which is the title; so the list, which does not say revisions,
can be checked too. The number itself may go back: a write that was not answered, since its worker
was killed, may reach MongoDB after the next one.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlsplit

import psutil
import pytest

from tests.process_tree import client_connections, tree, wait_for
from tests.redis_server import RedisServer
from tests.services import Service, service

pytestmark = pytest.mark.load

ITEMS = 16
WRITERS = 4  # each of which has items of its own
READERS = 6
WRITES = 400  # of each writer
RECONNECTING = 0.1  # of the requests

# A worker is killed each time that so much has been read since the last one, and at least so often:
# killed without a pause, they would spend the time of both cores on their starts.
READS_BETWEEN_KILLS = 200
KILLS = 10


class Answer(NamedTuple):
    status: int
    headers: Message
    document: Any

    @property
    def cache_status(self) -> str:
        return self.headers.get("Cache-Status", "")

    @property
    def revision(self) -> int:
        """The number at the end of an item's entity tag."""
        return int(self.headers["ETag"].strip('"').partition("-")[2])


class Client:
    """A keep-alive connection to one of some services.

    It is made anew when a worker dies under it, and now and then, and so comes to other workers;
    otherwise a few would have all the connections.
    """

    def __init__(self, services: Sequence[Service]) -> None:
        addresses = [urlsplit(target.url).netloc for target in services]
        self._connections = [http.client.HTTPConnection(each, timeout=10) for each in addresses]
        self._connection = self._connections[0]

    def call(self, method: str, path: str, document: Any = None) -> Answer | None:
        """Return the answer, or None without one."""
        body = None if document is None else json.dumps(document)
        if random.random() < RECONNECTING:
            self.close()
            self._connection = random.choice(self._connections)
        try:
            self._connection.request(method, path, body)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return None
        return Answer(answer.status, answer.headers, json.loads(content))

    def close(self) -> None:
        for each in self._connections:
            each.close()


class Ledger:
    """What has been acknowledged, and what was seen."""

    def __init__(self) -> None:
        self.revisions: dict[str, int] = {}
        self.revision_of: dict[tuple[str, str], int] = {}
        self.created: set[str] = set()
        self.deleted: set[str] = set()
        self.stale: list[str] = []
        self.statuses: Counter[str] = Counter()
        self.kills = 0
        self.writing = threading.Event()
        self._lock = threading.Lock()

    @property
    def reads(self) -> int:
        return sum(self.statuses.values())

    def note(self, answer: Answer) -> None:
        """Note the revision of an item."""
        identifier = answer.document["id"]
        with self._lock:
            noted = self.revisions.get(identifier, 0)
            self.revisions[identifier] = max(noted, answer.revision)
            self.revision_of[identifier, answer.document["title"]] = answer.revision

    def check_item(self, client: Client, identifier: str) -> None:
        floor = self.revisions[identifier]
        answer = client.call("GET", f"/events/{identifier}")
        if answer is not None:
            self.statuses[answer.cache_status] += 1
            if answer.status == 200 and answer.revision >= floor:
                self.note(answer)
            else:
                self.stale.append(f"item: {answer} below {floor}")

    def check_list(self, client: Client) -> None:
        floors, created, deleted = dict(self.revisions), set(self.created), set(self.deleted)
        answer = client.call("GET", "/events?limit=1000")
        if answer is not None:
            self.statuses[answer.cache_status] += 1
            seen = {resource["id"]: resource["title"] for resource in answer.document}
            for identifier, floor in floors.items():
                # NOTE: of a write that was not answered nobody may know the revision.
                if self.revision_of.get((identifier, seen[identifier]), floor) < floor:
                    self.stale.append(f"list: {identifier} at {seen[identifier]}, below {floor}")
            if not (created & self.created) <= set(seen):
                self.stale.append("list: something created is missing")
            if deleted & set(seen):
                self.stale.append("list: something deleted is there")


def write(services: Sequence[Service], ledger: Ledger, identifiers: Sequence[str]) -> None:
    """Change items, and now and then create and delete another item."""
    client = Client(services)
    example = services[0].example
    others: list[str] = []
    for number in range(1, WRITES + 1):
        method = random.choice(("PATCH", "PUT"))
        document = {"title": str(number)}
        whole = {**example, **document} if method == "PUT" else document
        answer = client.call(method, f"/events/{random.choice(identifiers)}", whole)
        if answer is not None and answer.status == 200:
            ledger.note(answer)
        if number % 10 == 0:
            answer = client.call("POST", "/events", {**example, "title": "0"})
            if answer is not None and answer.status == 201:
                other: str = answer.document["id"]
                ledger.created.add(other)
                others.append(other)
            if len(others) > 2:
                other = others.pop(0)
                ledger.created.discard(other)
                answer = client.call("DELETE", f"/events/{other}")
                if answer is not None and answer.status == 200:
                    ledger.deleted.add(other)
    client.close()


def read(services: Sequence[Service], ledger: Ledger) -> None:
    client = Client(services)
    while ledger.writing.is_set():
        for identifier in list(ledger.revisions):
            for _ in range(3):
                ledger.check_item(client, identifier)
        ledger.check_list(client)
    client.close()


def whole(services: Sequence[Service]) -> bool:
    return all(len(tree(target)["worker"]) == 7 for target in services)


def wait_for_reads(ledger: Ledger, number: int) -> None:
    wait_for(lambda: ledger.reads >= number or not ledger.writing.is_set(), deadline_s=60)


def kill_workers(services: Sequence[Service], ledger: Ledger) -> None:
    """Kill a worker that serves clients now and then, whatever it is doing."""
    while ledger.writing.is_set():
        target = random.choice(services)
        with suppress(psutil.NoSuchProcess, IndexError):
            connections = client_connections(target)
            random.choice([worker for worker in connections if connections[worker]]).kill()
            ledger.kills += 1
        wait_for_reads(ledger, ledger.reads + READS_BETWEEN_KILLS)
        wait_for(lambda: whole(services) or not ledger.writing.is_set())


@contextmanager
def threads(work: Callable[..., None], *arguments: tuple[Any, ...]) -> Iterator[None]:
    running = [threading.Thread(target=work, args=each) for each in arguments]
    for each in running:
        each.start()
    try:
        yield
    finally:
        for each in running:
            each.join()


def items(services: Sequence[Service]) -> Ledger:
    """A ledger with some items."""
    ledger = Ledger()
    client = Client(services)
    for _ in range(ITEMS):
        answer = client.call("POST", "/events", {**services[0].example, "title": "0"})
        assert answer
        ledger.note(answer)
    client.close()
    return ledger


def assert_coherent(services: Sequence[Service], *, killing: bool) -> None:
    """Read and write at once, through all these services on one database."""
    ledger = items(services)
    ledger.writing.set()
    began = time.monotonic()
    with (
        threads(read, *[(services, ledger)] * READERS),
        threads(kill_workers, *[(services, ledger)] * killing),
    ):
        identifiers = list(ledger.revisions)
        parts = [identifiers[part::WRITERS] for part in range(WRITERS)]
        with threads(write, *[(services, ledger, part) for part in parts]):
            pass
        ledger.writing.clear()
    assert ledger.stale == []
    assert ledger.reads > 1000, f"{ledger.reads} reads in {time.monotonic() - began:.0f} s"
    # NOTE: for 5 s after a worker was killed over a write, nothing is kept of what it wrote.
    assert ledger.statuses["eventpost; hit"] > ledger.reads // 20, ledger.statuses
    assert not killing or ledger.kills >= KILLS


@pytest.mark.parametrize("killing", [False, True])
def test_nobody_reads_what_was_before_an_answered_write(tmp_path: Path, killing: bool) -> None:
    with (tmp_path / "log").open("wb") as log:
        target = service("events", tmp_path / "data", log)
        with target.process:
            target.process.wait_until_ready()
            assert_coherent([target], killing=killing)


@pytest.mark.parametrize("killing", [False, True])
def test_two_services_that_share_redis_are_as_one(
    tmp_path: Path, redis: RedisServer, killing: bool
) -> None:
    settings = {"CACHE_TYPE": "redis", "CACHE_REDIS_URL": redis.url}
    socket = quote_plus(str(tmp_path / "one" / "run" / "mongodb.sock"))
    with (tmp_path / "log").open("wb") as log:
        one = service("events", tmp_path / "one", log, **settings)
        settings["MONGODB_URI"] = f"mongodb://{socket}"
        other = service("events", tmp_path / "other", log, **settings)
        with one.process:
            one.process.wait_until_ready()
            with other.process:
                other.process.wait_until_ready()
                assert_coherent([one, other], killing=killing)
