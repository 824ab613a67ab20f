"""The promise of the cache: once a write has been answered, nobody reads what was before it.

Every item has a counter, which one writer raises; whoever reads an item or the list takes note,
before asking, of the counters that had been acknowledged by then, and must not see less.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from tests.e2e.conftest import Service, service
from tests.e2e.test_processes import tree, wait_for

ITEMS = 4
READERS = 6
WRITES = 400  # of each writer
RECONNECTING = 0.1  # of the requests


class Client:
    """A keep-alive connection, made anew when a worker dies under it, and now and then.

    So it comes to other workers; otherwise a few would have all the connections.
    """

    def __init__(self, own: Service) -> None:
        address = urlsplit(own.url)
        assert address.hostname
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)

    def call(self, method: str, path: str, document: Any = None) -> tuple[int, str, Any] | None:
        """The status, the Cache-Status and the document of an answer, or None without one."""
        body = None if document is None else json.dumps(document)
        if random.random() < RECONNECTING:
            self.close()
        try:
            self._connection.request(method, path, body)
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return None
        return answer.status, answer.headers.get("Cache-Status", ""), json.loads(content)

    def close(self) -> None:
        self._connection.close()


class Ledger:
    """What has been acknowledged, and what was seen."""

    def __init__(self) -> None:
        self.counters: dict[str, int] = {}
        self.created: set[str] = set()
        self.deleted: set[str] = set()
        self.stale: list[str] = []
        self.statuses: Counter[str] = Counter()
        self.writing = threading.Event()

    def check_item(self, client: Client, identifier: str) -> None:
        floor = self.counters[identifier]
        answer = client.call("GET", f"/events/{identifier}")
        if answer is not None:
            status, cache_status, document = answer
            self.statuses[cache_status] += 1
            if status != 200 or int(document["title"]) < floor:
                self.stale.append(f"item {identifier}: {document} below {floor}")

    def check_list(self, client: Client) -> None:
        floors, created, deleted = dict(self.counters), set(self.created), set(self.deleted)
        answer = client.call("GET", "/events?limit=1000")
        if answer is not None:
            _, cache_status, page = answer
            self.statuses[cache_status] += 1
            seen = {resource["id"]: resource["title"] for resource in page}
            for identifier, floor in floors.items():
                if int(seen[identifier]) < floor:
                    self.stale.append(f"list: {identifier} at {seen[identifier]}, below {floor}")
            if not (created & self.created) <= set(seen):
                self.stale.append("list: something created is missing")
            if deleted & set(seen):
                self.stale.append("list: something deleted is there")


def write(own: Service, ledger: Ledger, identifier: str) -> None:
    """Raise one item's counter, and now and then create and delete another item."""
    client = Client(own)
    others: list[str] = []
    for number in range(1, WRITES + 1):
        method = random.choice(("PATCH", "PUT"))
        document = {"title": str(number)}
        whole = {**own.example, **document} if method == "PUT" else document
        answer = client.call(method, f"/events/{identifier}", whole)
        if answer is not None and answer[0] == 200:
            ledger.counters[identifier] = number
        if number % 10 == 0:
            answer = client.call("POST", "/events", {**own.example, "title": "0"})
            if answer is not None and answer[0] == 201:
                other: str = answer[2]["id"]
                ledger.created.add(other)
                others.append(other)
            if len(others) > 2:
                other = others.pop(0)
                ledger.created.discard(other)
                answer = client.call("DELETE", f"/events/{other}")
                if answer is not None and answer[0] == 200:
                    ledger.deleted.add(other)
    client.close()


def read(own: Service, ledger: Ledger) -> None:
    client = Client(own)
    while ledger.writing.is_set():
        for identifier in list(ledger.counters):
            for _ in range(5):
                ledger.check_item(client, identifier)
        ledger.check_list(client)
    client.close()


def kill_workers(own: Service, ledger: Ledger) -> None:
    """Kill a worker now and then, whatever it is doing."""
    while ledger.writing.is_set():
        with suppress(psutil.NoSuchProcess, IndexError):
            random.choice(tree(own)["worker"]).kill()
        wait_for(lambda: len(tree(own)["worker"]) == 7 or not ledger.writing.is_set())


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


def counted(own: Service) -> Ledger:
    """A ledger with some items whose counters are 0."""
    ledger = Ledger()
    client = Client(own)
    for _ in range(ITEMS):
        answer = client.call("POST", "/events", {**own.example, "title": "0"})
        assert answer
        ledger.counters[answer[2]["id"]] = 0
    client.close()
    return ledger


@pytest.mark.parametrize("killing", [False, True])
def test_nobody_reads_what_was_before_an_answered_write(tmp_path: Path, killing: bool) -> None:
    with (tmp_path / "log").open("wb") as log:
        own = service("events", tmp_path / "data", log)
        with own.process:
            own.process.wait_until_ready()
            ledger = counted(own)
            ledger.writing.set()
            began = time.monotonic()
            with (
                threads(read, *[(own, ledger)] * READERS),
                threads(kill_workers, *[(own, ledger)] * killing),
            ):
                with threads(write, *[(own, ledger, each) for each in ledger.counters]):
                    pass
                ledger.writing.clear()
            assert ledger.stale == []
            reads = sum(ledger.statuses.values())
            assert reads > 1000, f"{reads} reads in {time.monotonic() - began:.0f} s"
            assert ledger.statuses["eventpost; hit"] > reads // 20
