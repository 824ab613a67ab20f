"""A crowd that reads the longest pages at once, beside some who write."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_plus, urlsplit

import pytest
from bson import ObjectId
from pymongo import MongoClient

from events_microservice.models.event_query import EventQuery
from microservice_chassis.storage.cursor import Cursor
from microservice_chassis.storage.selection import Position
from tests.services import Service, service

pytestmark = pytest.mark.load

READERS = 100
WRITERS = 4
LIMIT = 1000
DOCUMENTS = 6 * LIMIT
DEADLINE_S = 60.0

# As long as it may be, so that a page is some megabytes, and in characters of four bytes.
LONG = {
    name: "\N{SAXOPHONE}" * length
    for name, length in (("title", 60), ("description", 400), ("place", 100), ("organizer", 50))
}


class Connection(NamedTuple):
    """One kept connection to a service."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self, method: str, target: str, body: bytes = b"") -> int:
        """Return the status of an answer, once all of it is there."""
        self.writer.write(
            f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await self.reader.readexactly(int(length))
        return int(head.split()[1])


@asynccontextmanager
async def connection(target: Service) -> AsyncIterator[Connection]:
    address = urlsplit(target.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


async def read(target: Service, cursor: str, answered: Counter[tuple[str, int]]) -> None:
    async with connection(target) as client:
        status = await client.request("GET", f"/events?limit={LIMIT}&cursor={cursor}")
        answered["read", status] += 1


async def write(
    target: Service, ids: list[ObjectId], answered: Counter[tuple[str, int]], ended: asyncio.Event
) -> None:
    async with connection(target) as client:
        for number in count():
            body = json.dumps({"title": f"Title {number}"}).encode()
            status = await client.request("PATCH", f"/events/{random.choice(ids)}", body)
            answered["write", status] += 1
            if ended.is_set():
                break


async def crowd(target: Service, ids: list[ObjectId]) -> Counter[tuple[str, int]]:
    """How all of them are answered; the writers go on until all readers have their page."""
    answered: Counter[tuple[str, int]] = Counter()
    ended = asyncio.Event()
    selection = EventQuery().selection_digest()
    cursors = [
        Cursor(selection, None, Position(key, key)).text()
        for key in random.sample(ids[:-LIMIT], READERS)
    ]
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as writers:
        for _ in range(WRITERS):
            writers.create_task(write(target, ids, answered, ended))
        await asyncio.gather(*(read(target, cursor, answered) for cursor in cursors))
        ended.set()
    return answered


def fill(data_dir: Path) -> list[ObjectId]:
    """Copy the only event many times, as it is kept, and return the ids."""
    socket = data_dir.resolve() / "run" / "mongodb.sock"
    with MongoClient[dict[str, object]](f"mongodb://{quote_plus(str(socket))}") as client:
        events = client["EventsMicroservice"]["Events"]
        event = events.find_one()
        assert event
        ids = [ObjectId() for _ in range(DOCUMENTS)]
        events.insert_many({**event, "_id": key} for key in ids)
    return ids


async def test_nobody_is_refused_while_mongodb_is_healthy(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        target = service("events", tmp_path / "data", log)
        with target.process:
            target.process.wait_until_ready()
            async with connection(target) as client:
                body = json.dumps(target.example | LONG, ensure_ascii=False).encode()
                assert await client.request("POST", "/events", body) == 201
            answered = await crowd(target, fill(tmp_path / "data"))
    assert {status for _, status in answered} == {200}
    assert answered["read", 200] == READERS
    assert answered["write", 200] > 0
    assert "unavailable" not in (tmp_path / "log").read_text()
