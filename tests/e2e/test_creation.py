"""What a POST creates is created once and as a whole, whoever is killed meanwhile."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_plus
from uuid import uuid4

import psutil
import pytest
import requests
from pymongo import MongoClient

from tests.e2e.durability import kill_tree
from tests.process_tree import client_connections, tree, wait_for
from tests.services import Service, service

POSTS = 500
CLIENTS = 8

# Each is sent at least so often with an answer.
ANSWERS = 2

# A worker is killed each time that so many requests have been answered since the last one.
ANSWERS_BETWEEN_KILLS = 60

ELEMENTS = 1000
DEADLINE_S = 60.0


class Answer(NamedTuple):
    status: int
    body: bytes
    tag: str | None
    location: str | None


def post(url: str, document: Any, key: str) -> Answer | None:
    """Send a POST over a connection of its own; None where it is not answered."""
    try:
        answer = requests.post(url, json=document, headers={"Idempotency-Key": key}, timeout=20)
    except requests.RequestException:
        return None
    headers = answer.headers
    return Answer(answer.status_code, answer.content, headers.get("ETag"), headers.get("Location"))


class Ledger:
    """The requests that are still to be sent, and what has been answered."""

    def __init__(self) -> None:
        self.waiting = deque(str(uuid4()) for _ in range(POSTS))
        self.answers: dict[str, list[Answer]] = {key: [] for key in self.waiting}
        self.refused: Counter[int | None] = Counter()
        self.kills = 0

    @property
    def answered(self) -> int:
        return sum(map(len, self.answers.values()))

    @property
    def complete(self) -> bool:
        return self.answered >= POSTS * ANSWERS


def send(target: Service, ledger: Ledger, ends_s: float) -> None:
    """Send what waits, and what has had no answer again when it is its turn."""
    while time.monotonic() < ends_s:
        try:
            key = ledger.waiting.popleft()
        except IndexError:
            return
        answer = post(target.collection, {**target.example, target.text: f"For the key {key}"}, key)
        if answer is not None and answer.status == 201:
            ledger.answers[key].append(answer)
        else:
            ledger.refused[answer and answer.status] += 1
            time.sleep(0.02)  # others are at it, or there is no worker: it is asked again
        if len(ledger.answers[key]) < ANSWERS:
            ledger.waiting.append(key)


def kill_workers(target: Service, ledger: Ledger, ends_s: float) -> None:
    """Kill a worker that serves clients, again and again, by how much has been answered."""
    while not ledger.complete and time.monotonic() < ends_s:
        goal = ledger.answered + ANSWERS_BETWEEN_KILLS
        with suppress(psutil.NoSuchProcess, IndexError):
            connected = client_connections(target)
            random.choice([worker for worker in connected if connected[worker]]).kill()
            ledger.kills += 1
        while ledger.answered < goal and not ledger.complete and time.monotonic() < ends_s:
            time.sleep(0.005)


@contextmanager
def threads(work: Sequence[partial[None]]) -> Iterator[None]:
    running = [threading.Thread(target=each) for each in work]
    for each in running:
        each.start()
    try:
        yield
    finally:
        for each in running:
            each.join()


@contextmanager
def database(data_dir: Path) -> Iterator[Any]:
    socket = quote_plus(str(data_dir / "run" / "mongodb.sock"))
    with MongoClient[dict[str, Any]](f"mongodb://{socket}") as client:
        yield client["EventsMicroservice"]


@pytest.mark.load
def test_a_repeated_post_creates_one_resource_whichever_workers_are_killed(
    tmp_path: Path,
) -> None:
    ledger = Ledger()
    with ExitStack() as stack:
        log = stack.enter_context((tmp_path / "log").open("wb"))
        target = service("events", tmp_path / "data", log)
        stack.enter_context(target.process)
        target.process.wait_until_ready()
        ends_s = time.monotonic() + DEADLINE_S
        with threads(
            [partial(send, target, ledger, ends_s)] * CLIENTS
            + [partial(kill_workers, target, ledger, ends_s)]
        ):
            pass
        wait_for(lambda: len(tree(target)["worker"]) == 7)
        found = requests.get(f"{target.collection}?limit=1000", timeout=10).json()
    assert ledger.complete, ledger.refused
    assert ledger.kills >= 5
    assert ledger.refused[None], "nobody has been cut off"
    assert Counter(each[target.text] for each in found) == Counter(
        f"For the key {key}" for key in ledger.answers
    )
    for answers in ledger.answers.values():
        assert len(set(answers)) == 1
    locations = {answers[0].location for answers in ledger.answers.values()}
    assert locations == {f"/events/{each['id']}" for each in found}


def send_arrays(target: Service, whole: dict[str, Answer]) -> None:
    """Send arrays, one after the other, until one is not answered."""
    while True:
        key = str(uuid4())
        answer = post(target.collection, array(target, key), key)
        if answer is None:
            return
        whole[key] = answer


def array(target: Service, key: str) -> list[dict[str, Any]]:
    return [{**target.example, target.text: key}] * ELEMENTS


def counts(target: Service, data_dir: Path) -> dict[str, int]:
    """How many there are of each array that is there in part or as a whole."""
    stages = [{"$group": {"_id": f"${target.text}", "count": {"$sum": 1}}}]
    with database(data_dir) as found:
        return {each["_id"]: each["count"] for each in found["Events"].aggregate(stages)}


def cut_off(target: Service, data_dir: Path, whole: dict[str, Answer]) -> list[str]:
    """Kill everything while arrays are created, and start again; return which are there in part."""
    goal = len(whole) + 2
    with threads([partial(send_arrays, target, whole)] * 4):
        wait_for(lambda: len(whole) >= goal)
        kill_tree(target.process)
    target.process.start()
    target.process.wait_until_ready()
    return [key for key, count in counts(target, data_dir).items() if count < ELEMENTS]


def test_an_array_that_was_cut_off_is_finished_by_its_repeat_or_taken_back_at_the_next_start(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / "data"
    whole: dict[str, Answer] = {}
    with ExitStack() as stack:
        log = stack.enter_context((tmp_path / "log").open("wb"))
        target = service("events", data_dir, log, WEB_CONCURRENCY="4")
        stack.enter_context(target.process)
        target.process.wait_until_ready()
        parts: list[str] = []
        while len(parts) < 2:  # most of those who send are in the middle of an array, not all
            parts = cut_off(target, data_dir, whole)
        repeated, left = parts[0], parts[1:]

        def repeat() -> bool:
            answer = post(target.collection, array(target, repeated), repeated)
            if answer is not None and answer.status == 201:
                whole[repeated] = answer
            return repeated in whole

        def settled() -> bool:
            found = counts(target, data_dir)
            return set(found.values()) == {ELEMENTS} and not set(left) & found.keys()

        wait_for(repeat)
        wait_for(settled)
        # One whose answer was lost may be there, too; but as a whole.
        assert whole.keys() <= counts(target, data_dir).keys()
        assert {answer.status for answer in whole.values()} == {201}
        for key in (repeated, next(iter(whole))):
            assert post(target.collection, array(target, key), key) == whole[key]
    assert b"are taken back, since the POST of 1000 was cut off" in (tmp_path / "log").read_bytes()
