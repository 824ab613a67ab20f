"""Documents of earlier forms are migrated while clients read and write, and everything is killed.

    python -m tests.e2e.migration --documents 200000 --kills 2

Each client has documents of its own, and knows what each of them must be answered as;
what a client has asked for when everything is killed may have happened or not.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import bson
import msgspec
import requests
from bson import ObjectId
from pymongo import MongoClient

from events_microservice.models.event import Event
from microservice_chassis.errors import UnreadableResource
from microservice_chassis.schema.schema import Schema
from microservice_chassis.storage.codec import EARLIER_FORMS, DocumentCodec, in_todays_form
from microservice_chassis.storage.migrations import name_of_index
from tests.e2e.durability import kill_tree
from tests.examples import EVENT, LEGACY_EVENT
from tests.odd_documents import odd_document
from tests.process_tree import wait_for
from tests.services import Service, service

CLIENTS = 4
_CODEC = DocumentCodec(Schema(Event), {"timezone": "UTC"})


# Of the original, of 1.0 (some ends have microseconds), and of anybody.
KINDS: tuple[Callable[[random.Random], dict[str, Any]], ...] = (
    lambda dice: {**LEGACY_EVENT, "title": f"Old days {dice.randrange(10**6)}"},
    lambda dice: {
        **EVENT,
        "title": f"Event {dice.randrange(10**6)}",
        "duration": dice.choice(("PT2H", "PT0.123456S", None)),
        "revision": dice.randrange(1, 5),
        "created_at": datetime(2025, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
        "updated_at": datetime(2025, 2, 2, tzinfo=UTC),
    },
    lambda dice: odd_document(dice, EVENT),
)


class Expected(NamedTuple):
    """What a document may be answered as: the body and the entity tag."""

    body: bytes
    tag: str


class Document:
    """A document of which one client knows everything."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.identifier = str(document["_id"])
        self.answers: set[Expected] = set()  # none where it cannot be read
        self.deleted = False
        self.certain = True
        try:
            stored = _CODEC.read(bson.encode(document))
        except UnreadableResource:
            return
        before = msgspec.json.encode(stored.resource)
        after = msgspec.json.encode(in_todays_form(stored.resource))
        revision = stored.revision
        self.answers.add(Expected(before, f'"{self.identifier}-{revision}"'))
        if after != before:  # microseconds are cut, in a revision of its own
            self.answers.add(Expected(after, f'"{self.identifier}-{revision + 1}"'))


class Client:
    """Reads and writes its documents until it is told to stop."""

    def __init__(self, url: str, documents: list[Document], seed: int) -> None:
        self._url = url
        self._documents = documents
        self._dice = random.Random(seed)
        self._session = requests.Session()
        self.wrong: list[str] = []
        self.reads = 0
        self.writes = 0

    def work(self, working: threading.Event) -> None:
        while working.is_set():
            document = self._dice.choice(self._documents)
            if document.certain:
                self._touch(document)

    def _touch(self, document: Document) -> None:
        method = self._dice.choice(("GET",) * 7 + ("PATCH", "PUT", "DELETE"))
        body = {"GET": None, "DELETE": None, "PATCH": {"title": "New"}, "PUT": EVENT}[method]
        try:
            answer = self._session.request(
                method, f"{self._url}/{document.identifier}", json=body, timeout=20
            )
        except requests.RequestException:
            document.certain = method == "GET"
            return
        if answer.status_code == 503:
            document.certain = method == "GET"
            return
        self._check(method, document, answer)

    def _check(self, method: str, document: Document, answer: requests.Response) -> None:
        found = Expected(answer.content, answer.headers.get("ETag", ""))
        if document.deleted:
            right = answer.status_code == 404
        elif method == "PUT" or (method == "PATCH" and document.answers):
            right = answer.status_code == 200
            document.answers = {found}
        elif method == "PATCH":
            right = answer.status_code == 409
        elif document.answers:
            right = answer.status_code == 200 and found in document.answers
        else:
            right = answer.status_code == (500 if method == "GET" else 200)
        if method == "DELETE":
            document.deleted = True
        self.reads += method == "GET"
        self.writes += method != "GET"
        if not right:
            self.wrong.append(f"{method} {document.identifier}: {answer.status_code} {found}")


@contextmanager
def database(data_dir: Path) -> Iterator[Any]:
    socket = quote_plus(str(data_dir / "run" / "mongodb.sock"))
    with MongoClient[dict[str, Any]](f"mongodb://{socket}") as client:
        yield client["EventsMicroservice"]["Events"]


def fill(data_dir: Path, count: int) -> list[Document]:
    """Put documents there as other programs and earlier versions wrote them."""
    dice = random.Random(count)
    documents = []
    with database(data_dir) as collection:
        for start in range(0, count, 1000):
            batch = [
                {"_id": ObjectId(), **dice.choices(KINDS, (9, 9, 2))[0](dice)}
                for _ in range(min(1000, count - start))
            ]
            collection.insert_many(batch)
            documents += [Document(each) for each in batch]
    return documents


def waiting(data_dir: Path) -> int:
    with database(data_dir) as collection:
        return sum(
            collection.count_documents({"form": form}, hint=name_of_index(form))
            for form in EARLIER_FORMS
        )


def _is_through(log_path: Path, start: int) -> bool:
    return b"is through" in log_path.read_bytes()[start:]


def _is_down_to(data_dir: Path, goal: int) -> bool:
    return waiting(data_dir) <= goal


def migrate_under_load(directory: Path, count: int, kills: int) -> str:
    """Do all of it, and return what the log says of it."""
    log_path, data_dir = directory / "log", directory / "data"
    with log_path.open("wb") as log:
        target = service("events", data_dir, log)
        with target.process:
            target.process.wait_until_ready()
            documents = fill(data_dir, count)
        unreadable = sum(not each.answers for each in documents)
        clients = [
            Client(target.collection, documents[number::CLIENTS], number)
            for number in range(CLIENTS)
        ]
        left: list[int] = []  # when everything was killed
        begun: list[int] = []  # how long the log was at each start
        for part in range(kills + 1):
            begun.append(log_path.stat().st_size)
            target.process.start()
            target.process.wait_until_ready()
            working = threading.Event()
            working.set()
            threads = [threading.Thread(target=each.work, args=(working,)) for each in clients]
            for thread in threads:
                thread.start()
            if part < kills:
                before = waiting(data_dir)
                goal = before - (before - unreadable) // (kills + 1 - part)
                wait_for(partial(_is_down_to, data_dir, goal), deadline_s=600)
                left.append(waiting(data_dir))
                kill_tree(target.process)
            else:
                wait_for(partial(_is_through, log_path, begun[-1]), deadline_s=600)
            working.clear()
            for thread in threads:
                thread.join()
        check_all(target, documents)
        target.process.stop()
    wrong = [each for client in clients for each in client.wrong]
    assert not wrong, f"{len(wrong)} wrong answers: {wrong[:5]}"
    assert min(client.reads for client in clients) > 0
    said = log_path.read_bytes()
    assert b"Traceback" not in said
    parts = [said[start:end] for start, end in zip(begun, [*begun[1:], len(said)], strict=True)]
    to_go = [re.findall(rb"(\d+) documents to go", part) for part in parts]
    for before, after in zip(left, to_go[1:], strict=True):
        # A start goes on where the one before it was killed, which may have been in its wait.
        assert all(int(each) <= before for each in after)
    assert to_go[-1]
    reads, writes = (sum(getattr(each, name) for each in clients) for name in ("reads", "writes"))
    return (
        f"{count} documents, {unreadable} of which cannot be read; {reads} reads, {writes} writes,"
        f" all right; to go at each start: {[[int(each) for each in part] for part in to_go]}"
    )


def check_all(target: Service, documents: list[Document]) -> None:
    """Walk over all pages, and compare."""
    found: dict[str, bytes] = {}
    url = f"{target.collection}?limit=1000"
    while url:
        answer = requests.get(url, timeout=20)
        for resource in msgspec.json.decode(answer.content, type=list[msgspec.Raw]):
            found[msgspec.json.decode(resource)["id"]] = bytes(resource)
        link = answer.links.get("next")
        url = target.url + link["url"] if link else ""
    for document in documents:
        if document.certain:
            bodies = set() if document.deleted else {each.body for each in document.answers}
            assert (
                {found[document.identifier]} <= bodies
                if bodies
                else (document.identifier not in found)
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        print(migrate_under_load(Path(directory), arguments.documents, arguments.kills))  # noqa: T201


if __name__ == "__main__":
    main()
