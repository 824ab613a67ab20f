"""The figures of the delivery: how fast, how late, at what cost, and what outages do to it.

python -m tests.performance.delivery burst | late | idle | outages   (docs/delivery.md#measured)
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import aiosmtplib
import psutil
import requests
import uvloop
from bson import ObjectId
from pymongo import MongoClient

from microservice_chassis.storage.client import Document
from notifications_microservice.delivery.message import Message, render
from notifications_microservice.models.notification import Notification
from tests.e2e.dispatchers import fill, notifications
from tests.examples import NOTIFICATION
from tests.process_tree import tree, wait_for
from tests.services import Service, free_port, service
from tests.smtp_server import SmtpServer

CONNECTIONS = 10
SENDER = "events@example.org"


class Delivery(NamedTuple):
    """A service that delivers, its MongoDB, and the server that it delivers to."""

    service: Service
    client: MongoClient[Document]
    smtp: SmtpServer
    directory: Path

    @property
    def dispatcher(self) -> psutil.Process:
        (dispatcher,) = tree(self.service)["dispatcher"]
        return dispatcher

    def at(self, expected: set[str]) -> list[float]:
        """When those messages were accepted, each for the first time, in order."""
        at: dict[str, float] = {}
        for each in self.smtp.accepted():
            if each.message_id in expected:
                at.setdefault(each.message_id, each.at_s)
        return sorted(at.values())

    def has_accepted(self, number: int) -> bool:
        """Whether so many messages have been accepted."""
        # NOTE: to read them would take the processor from what is measured.
        return self.smtp.count() >= number

    def unfinished(self) -> int:
        """How many are neither sent nor failed."""
        documents = self.client["NotificationsMicroservice"]["Notifications"]
        return documents.count_documents({"status": {"$in": ["pending", "sending"]}})

    def cpu_s(self) -> dict[str, float]:
        """The CPU time that the parts of a delivery have taken."""
        parts = tree(self.service)
        return {name: sum(map(_cpu_s, parts[name])) for name in ("dispatcher", "mongod")}


@contextmanager
def delivery(connections: int = CONNECTIONS) -> Iterator[Delivery]:
    with ExitStack() as held:
        directory = Path(held.enter_context(tempfile.TemporaryDirectory()))
        log = held.enter_context((directory / "log").open("wb"))
        smtp = held.enter_context(SmtpServer(free_port(), directory))
        target = service(
            *("notifications", directory / "data", log),
            SMTP_URL=smtp.url,
            MAIL_FROM=SENDER,
            DELIVERY_CONCURRENCY=str(connections),
        )
        held.enter_context(target.process).wait_until_ready()
        client = held.enter_context(notifications(target, directory / "data"))
        wait_for(lambda: b"delivering by way of" in (directory / "log").read_bytes())
        yield Delivery(target, client, smtp, directory)


def _messages(number: int) -> list[Message]:
    """That many messages, as the delivery writes them."""
    now = datetime.now(UTC)
    notification = Notification(**{**NOTIFICATION, "scheduled_time": now})
    return [render(notification, SENDER, f"{ObjectId()}.1@example.org", now) for _ in range(number)]


async def _plain(port: int, messages: Sequence[Message], connections: int) -> float:
    """Return how many messages a second aiosmtplib alone hands in."""
    left = iter(messages)

    async def send() -> None:
        async with aiosmtplib.SMTP(
            hostname="127.0.0.1", port=port, start_tls=False, local_hostname="example.org"
        ) as client:
            for each in left:
                await client.sendmail(SENDER, [each.recipient], each.content)

    began_s = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(connections)))
    return len(messages) / (time.perf_counter() - began_s)


class Reads:
    """A client that reads a notification again and again, and how long each read took."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._times_ms: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> list[float]:
        self._thread.start()
        return self._times_ms

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        with requests.Session() as session:
            # NOTE: twenty a second tell as much, and leave the processor to what is measured.
            while not self._ended.wait(0.05):
                began_s = time.perf_counter()
                session.get(self._url, timeout=5).raise_for_status()
                self._times_ms.append((time.perf_counter() - began_s) * 1000)


def burst(number: int, rounds: int, connections: int) -> None:
    """Many due at the same second, beside aiosmtplib alone, and what reads wait for meanwhile."""
    with delivery(connections) as target:
        url = requests.get(_created(target.service, 3_600), timeout=5).url
        plain, rates, calm, busy, cpu = [], [], [], [], []
        for _ in range(rounds):
            plain.append(uvloop.run(_plain(target.smtp.port, _messages(number), connections)))
            with Reads(url) as times_ms:
                time.sleep(2)
            calm.append(statistics.median(times_ms))
            expected = fill(target.service, target.client, number, in_s=number / 2_500)
            before, accepted = target.cpu_s(), target.smtp.count()
            with Reads(url) as times_ms:
                wait_for(partial(target.has_accepted, accepted + number), 300)
            busy.append(statistics.median(times_ms))
            at = target.at(expected)
            rates.append(number / (at[-1] - at[0]))
            wait_for(lambda: target.unfinished() == 1)
            after = target.cpu_s()
            cpu.append({name: (after[name] - before[name]) / number * 1e6 for name in after})
    _say("aiosmtplib alone, messages/s", plain)
    _say("the dispatcher, messages/s", rates)
    _say("ratio", [each / other for each, other in zip(rates, plain, strict=True)])
    for name in cpu[0]:
        _say(f"CPU of a message, {name}, us", [each[name] for each in cpu])
    _say("a read at rest, median ms", calm)
    _say("a read meanwhile, median ms", busy)
    _say("ratio", [each / other for each, other in zip(busy, calm, strict=True)])


def late(seconds: int, rate: int) -> None:
    """One by one, half of them due when they are created: from due to accepted."""
    with delivery() as target, ExitStack() as held:
        path = str(target.directory / "data" / "run" / "mongodb.sock").replace("/", "%2F")
        settings = {"MONGODB_URI": f"mongodb://{path}", "CACHE_TYPE": "null"}
        log = held.enter_context((target.directory / "other").open("wb"))
        other = service("notifications", target.directory / "elsewhere", log, **settings)
        held.enter_context(other.process).wait_until_ready()
        for name, each in (("the same container", target.service), ("another container", other)):
            _say(f"from {name}, ms", _lateness(target, each, seconds, rate), percentiles=True)


def _lateness(target: Delivery, through: Service, seconds: int, rate: int) -> list[float]:
    """How late each was accepted that was created through a service, in ms."""
    due_at_s: dict[str, float] = {}
    with requests.Session() as session:
        for number in range(seconds * rate):
            in_s = 0.0 if number % 2 else 1.0 + number % 7 / 7
            moment = datetime.now(UTC) + timedelta(seconds=in_s)
            document = {**through.example, "scheduled_time": moment.isoformat()}
            created = session.post(through.collection, json=document, timeout=5).json()
            at = max(created["scheduled_time"], created["created_at"])
            due_at_s[f"<{created['id']}.1@example.org>"] = datetime.fromisoformat(at).timestamp()
            time.sleep(1 / rate)
    wait_for(lambda: len(target.at(set(due_at_s))) == len(due_at_s))
    at_s = {each.message_id: each.at_s for each in target.smtp.accepted()}
    return [(at_s[name] - due_s) * 1000 for name, due_s in due_at_s.items()]


def idle(number: int, seconds: int) -> None:
    """What the dispatcher and mongod take while very many wait for a time far away."""
    with delivery() as target:
        for _ in range(number // 10_000):
            fill(target.service, target.client, 10_000, in_s=365 * 86_400)
        time.sleep(5)  # mongod writes what was inserted
        before = target.cpu_s()
        time.sleep(seconds)
        for name, became in target.cpu_s().items():
            sys.stdout.write(f"{name}: {(became - before[name]) / seconds:.2%} of a core\n")
        size = target.client["NotificationsMicroservice"].command("collStats", "Notifications")
        sys.stdout.write(f"index: {size['indexSizes']['due'] / 1e6:.1f} MB\n")


def outages(number: int, seconds: int) -> None:
    """MongoDB, and then the SMTP server, away in the middle: what is lost, and what comes twice."""
    with delivery() as target:
        (mongod,) = tree(target.service)["mongod"]
        for name, stop, go_on in (
            ("MongoDB", mongod.suspend, mongod.resume),
            ("the SMTP server", target.smtp.kill, target.smtp.start),
        ):
            accepted = target.smtp.count()
            expected = fill(target.service, target.client, number)
            wait_for(partial(target.has_accepted, accepted + number // 3), 300)
            stop()
            time.sleep(seconds)
            go_on()
            began_s = time.monotonic()
            # NOTE: what was in DATA when the server went is tried again a minute later.
            wait_for(lambda: target.unfinished() == 0, 300)
            times = target.smtp.times()
            lost = sum(not times[each] for each in expected)
            twice = sum(times[each] - 1 for each in expected if times[each])
            sys.stdout.write(
                f"{name} away for {seconds} s: {lost} of {number} lost, {twice} twice,"
                f" all there {time.monotonic() - began_s:.1f} s later\n"
            )


def _created(target: Service, in_s: float) -> str:
    moment = (datetime.now(UTC) + timedelta(seconds=in_s)).isoformat()
    answer = requests.post(
        target.collection, json={**target.example, "scheduled_time": moment}, timeout=5
    )
    return f"{target.url}{answer.headers['Location']}"


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _say(name: str, values: Sequence[float], *, percentiles: bool = False) -> None:
    if percentiles:
        ordered = sorted(values)
        p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        said = f"p50 {statistics.median(ordered):.0f}, p99 {p99:.0f}, most {ordered[-1]:.0f}"
    else:
        rounds = ", ".join(f"{each:.3g}" for each in values)
        said = f"{statistics.median(values):.3g} ({rounds})"
    sys.stdout.write(f"{name}: {said}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("burst", "late", "idle", "outages"))
    parser.add_argument("--notifications", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=int, default=10)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    arguments = parser.parse_args()
    if arguments.what == "burst":
        burst(arguments.notifications, arguments.rounds, arguments.connections)
    elif arguments.what == "late":
        late(arguments.seconds, arguments.rate)
    elif arguments.what == "idle":
        idle(arguments.notifications, arguments.seconds)
    else:
        outages(arguments.notifications, arguments.seconds)


if __name__ == "__main__":
    main()
