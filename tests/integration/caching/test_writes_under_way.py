"""What others read while a write is under way: a driver call is held up, and they look then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from events_microservice.settings import Settings
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.process.shared_file import SharedFile, make
from microservice_chassis.storage.client import connect
from tests.examples import EVENT
from tests.integration.asgi import BYPASS, HIT, AsgiClient, cache_status, until_hit, working
from tests.paused_driver import PausedDriver, Stop
from tests.redis_server import RedisServer

# What is held up has 1.5 s, as any operation, and others must not take them away.
pytestmark = pytest.mark.load

BODY = json.dumps(EVENT).encode()
CHANGED = json.dumps({**EVENT, "title": "Changed"}).encode()


class Workers:
    """One that writes, whose driver can be held up, one that reads, and an event in both."""

    def __init__(self, writer: AsgiClient, reader: AsgiClient, driver: PausedDriver) -> None:
        self.writer = writer
        self.reader = reader
        self.driver = driver
        self.path = ""

    async def fill(self) -> None:
        created = await self.writer.request("POST", "/events", BODY)
        self.path = f"/events/{json.loads(created.body)['id']}"
        await self.read_until_kept()

    async def read_until_kept(self) -> None:
        for path in (self.path, "/events"):
            await until_hit(self.reader, path)

    def write(self, method: str) -> asyncio.Task[Any]:
        path = "/events" if method == "POST" else self.path
        body = b"" if method == "DELETE" else CHANGED
        return asyncio.create_task(self.writer.request(method, path, body))

    async def seen(self) -> tuple[str | None, list[str]]:
        """The titles of the event and of the list, as the reader sees them."""
        item = json.loads((await self.reader.request("GET", self.path)).body)
        page = json.loads((await self.reader.request("GET", "/events")).body)
        return item["title"], [each["title"] for each in page]


@pytest.fixture(params=["simple", "redis"])
async def workers(request: pytest.FixtureRequest, mongodb: EmbeddedMongoDB) -> AsyncIterator[Any]:
    settings = Settings(mongodb_database=f"test-{uuid4()}")
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        settings = Settings(
            mongodb_database=settings.mongodb_database,
            cache_type="redis",
            cache_redis_url=server.url,
        )
    fd = make(7)
    async with connect(mongodb.uri) as client:
        driver = PausedDriver(client, "Events")
        shared: Any = {"shared": SharedFile(fd)}
        async with (
            working(settings, mongodb, client=driver, shared=SharedFile(fd)) as writer,
            working(settings, mongodb, **shared) as reader,
        ):
            workers = Workers(writer, reader, driver)
            await workers.fill()
            yield workers


OLD = ("Jazz night", ["Jazz night"])
NEW = {
    "POST": ("Jazz night", ["Jazz night", "Changed"]),
    "PUT": ("Changed", ["Changed"]),
    "PATCH": ("Changed", ["Changed"]),
    "DELETE": ("Not Found", []),
}


@pytest.mark.parametrize("method", NEW)
async def test_what_a_write_touches_is_read_from_the_database_while_it_is_under_way(
    workers: Workers, method: str
) -> None:
    before, behind = workers.driver.before, workers.driver.behind = Stop(), Stop()
    writing = workers.write(method)
    await before.until_reached()
    for _ in range(2):
        assert await workers.seen() == OLD
    before.open()
    await behind.until_reached()
    for _ in range(2):
        assert await workers.seen() == NEW[method]
    paths = ["/events"] if method in ("POST", "DELETE") else ["/events", workers.path]
    for path in paths:
        assert cache_status(await workers.reader.request("GET", path)) == BYPASS
    if method == "POST":
        assert cache_status(await workers.reader.request("GET", workers.path)) == HIT
    behind.open()
    assert (await writing).status in (200, 201)
    for _ in range(3):
        assert await workers.seen() == NEW[method]


@pytest.mark.parametrize("method", NEW)
async def test_nothing_is_kept_of_what_was_read_before_a_write_happened(
    workers: Workers, method: str
) -> None:
    """Not even by a read that is over, and kept, when the write happens."""
    before = workers.driver.before = Stop()
    writing = workers.write(method)
    await before.until_reached()
    for _ in range(3):
        await workers.seen()
        for path in ("/events", workers.path):
            status = cache_status(await workers.reader.request("GET", path))
            assert status == (HIT if (method, path) == ("POST", workers.path) else BYPASS)
    before.open()
    await writing
    for _ in range(3):
        assert await workers.seen() == NEW[method]


@pytest.mark.parametrize("method", NEW)
async def test_a_write_that_is_cancelled_may_still_happen_and_nothing_is_kept_meanwhile(
    workers: Workers, method: str
) -> None:
    """As when a worker is told to end: MongoDB has the write, and nobody waits for its answer."""
    behind = workers.driver.behind = Stop()
    writing = workers.write(method)
    await behind.until_reached()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    for _ in range(3):
        assert await workers.seen() == NEW[method]
    assert cache_status(await workers.reader.request("GET", "/events")) == BYPASS


async def test_two_writes_at_once_are_both_waited_for(workers: Workers) -> None:
    """The end of one does not end the other, in the same process."""
    behind = workers.driver.behind = Stop()
    first = workers.write("PATCH")
    await behind.until_reached()
    workers.driver.behind = None
    await workers.writer.request("PATCH", workers.path, b'{"title": "Another"}')
    for path in (workers.path, "/events"):
        for _ in range(2):
            assert cache_status(await workers.reader.request("GET", path)) == BYPASS
    behind.open()
    await first
    await workers.read_until_kept()
    assert await workers.seen() == ("Another", ["Another"])
