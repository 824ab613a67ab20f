"""The response cache in Redis: several workers, and a Redis that fails them."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from events_microservice.app import create_app
from events_microservice.settings import Settings
from microservice_chassis.caching.redis_store import RedisStore
from microservice_chassis.errors import InvalidSetting
from microservice_chassis.process.background import Background
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.process.run_directory import RunDirectory
from microservice_chassis.storage.client import connect
from microservice_chassis.storage.unstamped_writes import NOTE_S, UnstampedWrites
from tests.examples import EVENT
from tests.integration.asgi import BYPASS, HIT, STORED, AsgiClient, cache_status, until_hit, working
from tests.redis_server import RedisServer
from tests.services import free_port

WARNING = "the response cache is off: Redis cannot be used"


@pytest.fixture
def settings(own_redis: RedisServer) -> Settings:
    return Settings(
        mongodb_database=f"test-{uuid4()}", cache_type="redis", cache_redis_url=own_redis.url
    )


@asynccontextmanager
async def two(
    settings: Settings, mongodb: EmbeddedMongoDB
) -> AsyncIterator[tuple[AsgiClient, AsgiClient, str]]:
    """Two workers whose caches are on, and the path of an event that both have kept."""
    async with working(settings, mongodb) as one, working(settings, mongodb) as other:
        created = await one.request("POST", "/events", json.dumps(EVENT).encode())
        path = f"/events/{json.loads(created.body)['id']}"
        await until_hit(one, path)
        await until_hit(other, path)
        yield one, other, path


async def deployment() -> str:
    return "test"


async def title(worker: AsgiClient, path: str) -> Any:
    return json.loads((await worker.request("GET", path)).body)["title"]


async def rename(worker: AsgiClient, path: str, new: str) -> None:
    answer = await worker.request("PATCH", path, json.dumps({"title": new}).encode())
    assert answer.status == 200


async def test_workers_share_what_is_kept_and_what_has_changed(
    settings: Settings, mongodb: EmbeddedMongoDB
) -> None:
    async with two(settings, mongodb) as (one, other, path):
        for number in range(50):
            await rename((one, other)[number % 2], path, str(number))
            assert await title(one, path) == await title(other, path) == str(number)


async def test_a_killed_redis_is_noticed_once_and_used_again_when_it_is_back(
    settings: Settings,
    mongodb: EmbeddedMongoDB,
    own_redis: RedisServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with working(settings, mongodb) as worker:
        created = await worker.request("POST", "/events", json.dumps(EVENT).encode())
        path = f"/events/{json.loads(created.body)['id']}"
        await until_hit(worker, path)
        own_redis.kill()
        for number in range(5):
            await rename(worker, path, str(number))
            assert await title(worker, path) == str(number)
        assert cache_status(await worker.request("GET", path)) == BYPASS
        assert (await worker.request("GET", "/health/ready")).status == 200
        assert caplog.text.count(WARNING) == 1
        own_redis.start()
        await until_hit(worker, path)
        assert await title(worker, path) == "4"
        assert "the response cache is back" in caplog.text


async def test_nobody_reads_what_was_kept_before_redis_stood_still(
    settings: Settings, mongodb: EmbeddedMongoDB, own_redis: RedisServer
) -> None:
    async with two(settings, mongodb) as (one, other, path):
        assert own_redis.process
        own_redis.process.send_signal(signal.SIGSTOP)
        await rename(one, path, "During")
        own_redis.process.send_signal(signal.SIGCONT)
        for _ in range(200):
            assert await title(other, path) == "During"
        await until_hit(other, path)
        assert await title(other, path) == "During"


async def test_nobody_reads_what_another_worker_changed_without_redis(
    settings: Settings, mongodb: EmbeddedMongoDB, own_redis: RedisServer
) -> None:
    """One worker is cut off; the other one is not, and has no other way to learn of it."""
    async with two(settings, mongodb) as (one, other, path), Proxy(own_redis) as proxy:
        cut_off_settings = Settings(
            mongodb_database=settings.mongodb_database,
            cache_type="redis",
            cache_redis_url=proxy.url,
        )
        async with working(cut_off_settings, mongodb) as cut_off:
            await until_hit(cut_off, path)
            await until_hit(other, path)
            await proxy.cut()
            for number in range(3):
                await rename(cut_off, path, str(number))
                for _ in range(50):
                    assert await title(one, path) == await title(other, path) == str(number)
                assert cache_status(await other.request("GET", path)) == BYPASS
            await proxy.mend()
            await until_hit(other, path)
            await until_hit(cut_off, path)
            await rename(cut_off, path, "Mended")
            assert await title(other, path) == "Mended"


async def test_a_redis_that_remembers_what_was_long_ago_is_not_believed(
    settings: Settings, mongodb: EmbeddedMongoDB, own_redis: RedisServer
) -> None:
    async with two(settings, mongodb) as (one, other, path), Redis.from_url(own_redis.url) as redis:
        await redis.save()
        await rename(one, path, "Later")
        own_redis.kill()
        own_redis.start()
        for _ in range(50):
            assert await title(other, path) == "Later"
        await until_hit(other, path)
        assert await title(other, path) == "Later"


async def test_redis_may_forget_anything_at_any_time(
    settings: Settings, mongodb: EmbeddedMongoDB, own_redis: RedisServer
) -> None:
    async with two(settings, mongodb) as (one, other, path), Redis.from_url(own_redis.url) as redis:
        for number in range(20):
            await rename(one, path, str(number))
            assert await title(other, path) == str(number)
            kinds = ("stamp", "writers", "entry", "epoch")
            async for key in redis.scan_iter(match=f"*:{kinds[number % 4]}*"):
                await redis.delete(key)
            assert await title(other, path) == str(number)


async def test_nothing_is_kept_while_somebody_writes_or_has_died_over_it(
    settings: Settings, mongodb: EmbeddedMongoDB, own_redis: RedisServer
) -> None:
    async with connect(mongodb.uri) as client:
        unstamped = UnstampedWrites(client[settings.mongodb_database]["UnstampedWrites"], "events")
        store, dead = [RedisStore(own_redis.url, 60, unstamped, deployment) for _ in range(2)]
        background = Background([store, dead])
        await background.start()
        async with asyncio.timeout(30):
            while (await store.find("key", "events")).stamp is None:
                await asyncio.sleep(0.01)
        async with store.change("events"):
            assert (await store.find("key", "events")).stamp is None
        settled = (await store.find("key", "events")).stamp
        assert settled is not None
        await dead.change("events").__aenter__()  # and does not leave
        async with store.change("events"):
            pass
        assert (await store.find("key", "events")).stamp is None
        assert (await store.find("key", "events/1")).stamp is not None
        async with asyncio.timeout(30):
            while (await store.find("key", "events")).stamp in (None, settled):
                await asyncio.sleep(0.01)
        await background.stop()


async def epoch(redis: RedisServer) -> bytes | str | None:
    """The epoch of the one deployment that uses a Redis."""
    async with Redis.from_url(redis.url) as client:
        (key,) = [key async for key in client.scan_iter(match="*:epoch")]
        return await client.get(key)


async def test_a_worker_that_starts_begins_no_new_epoch(
    settings: Settings, mongodb: EmbeddedMongoDB, own_redis: RedisServer
) -> None:
    async with two(settings, mongodb) as (one, _, path):
        before = await epoch(own_redis)
        async with working(settings, mongodb) as started:
            await until_hit(started, path)
            assert await epoch(own_redis) == before
            assert cache_status(await one.request("GET", path)) == HIT


async def test_all_workers_may_be_replaced_within_an_epoch(
    settings: Settings, mongodb: EmbeddedMongoDB, own_redis: RedisServer
) -> None:
    async with two(settings, mongodb) as (_, _, path):
        before = await epoch(own_redis)
    async with working(settings, mongodb) as started:
        await until_hit(started, path)
        assert await epoch(own_redis) == before


async def test_without_a_lease_there_is_a_new_epoch(
    settings: Settings, mongodb: EmbeddedMongoDB, own_redis: RedisServer
) -> None:
    async with two(settings, mongodb) as (_, _, path), Redis.from_url(own_redis.url) as redis:
        before = await epoch(own_redis)
        async for key in redis.scan_iter(match="*:lease"):
            await redis.set(key, b"the run id of another Redis")
        async with asyncio.timeout(30):
            while await epoch(own_redis) == before:
                await asyncio.sleep(0.01)
        async with working(settings, mongodb) as started:
            await until_hit(started, path)


async def test_the_lease_ends_before_a_note_that_nobody_has_seen(
    settings: Settings, mongodb: EmbeddedMongoDB, own_redis: RedisServer
) -> None:
    async with two(settings, mongodb), Redis.from_url(own_redis.url) as redis:
        (lease,) = [key async for key in redis.scan_iter(match="*:lease")]
        assert 0 < await redis.pttl(lease) < NOTE_S * 1000 - 500


async def test_an_entry_that_cannot_be_read_is_a_miss(
    settings: Settings, mongodb: EmbeddedMongoDB, own_redis: RedisServer
) -> None:
    async with two(settings, mongodb) as (one, _, path), Redis.from_url(own_redis.url) as redis:
        (key,) = [key async for key in redis.scan_iter(match=f"*:entry {path[1:]}")]
        entry = await redis.get(key)
        assert isinstance(entry, bytes)
        stamp, _, content = entry.partition(b"\n")
        for odd in (b"", content[:-1], b"\xc1", b"\x92\x90\xc4\x00", b"\x93" + content):
            await redis.set(key, stamp + b"\n" + odd)
            answer = await one.request("GET", path)
            assert (answer.status, cache_status(answer)) == (200, STORED)
            assert cache_status(await one.request("GET", path)) == HIT
        await redis.set(key, b"of another kind")
        assert cache_status(await one.request("GET", path)) == STORED


async def test_data_of_one_name_on_two_mongodbs_share_nothing(
    settings: Settings, mongodb: EmbeddedMongoDB, tmp_path: Path
) -> None:
    with RunDirectory(tmp_path / "other") as run, EmbeddedMongoDB(run) as other:
        await other.start()
        async with working(settings, mongodb) as here, working(settings, other) as there:
            path = (await here.request("POST", "/events", json.dumps(EVENT).encode())).headers[
                "location"
            ]
            await until_hit(here, path)
            assert (await there.request("GET", path)).status == 404
            assert json.loads((await there.request("GET", "/events")).body) == []
        await other.stop()


@pytest.mark.parametrize(
    ("url", "message"),
    [(None, "CACHE_REDIS_URL must be set"), ("http://a", "CACHE_REDIS_URL cannot be used")],
)
async def test_a_url_that_is_not_one_of_a_redis_is_refused(
    mongodb: EmbeddedMongoDB, url: str | None, message: str
) -> None:
    with pytest.raises(InvalidSetting, match=message):
        create_app(Settings(mongodb_uri=mongodb.uri, cache_type="redis", cache_redis_url=url))


class Proxy:
    """A way to Redis that can be cut off."""

    def __init__(self, redis: RedisServer) -> None:
        self._redis = redis
        self._port = free_port()
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    async def __aenter__(self) -> Proxy:
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)

    async def cut(self) -> None:
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._passing.add(task)
        there = await asyncio.open_connection("127.0.0.1", self._redis.port)
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(pass_on(reader, there[1]), pass_on(there[0], writer))
        self._passing.discard(task)
        for each in (writer, there[1]):
            each.close()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
