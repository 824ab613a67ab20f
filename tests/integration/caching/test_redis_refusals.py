"""A Redis that answers, and refuses a part of what it is needed for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis

from events_microservice.settings import Settings
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import Document, connect
from tests.examples import EVENT
from tests.integration.asgi import BYPASS, AsgiClient, cache_status, until_hit, working
from tests.redis_server import RedisServer

OFF = "the response cache is off: Redis cannot be used"
BACK = "the response cache is back"

# What docs/cache.md says that a user of Redis needs.
RIGHTS = (
    "~eventpost:* +select +info +time +get +mget +set +del +exists +pexpireat +multi +exec"
    " +evalsha +script|load +zadd +zrem +zrevrange +zremrangebyscore"
)


class Refusal(NamedTuple):
    """Commands that make Redis refuse something, and those that end that."""

    begin: tuple[str, ...]
    end: tuple[str, ...]


async def command(redis: Any, line: str) -> None:
    await redis.execute_command(line)


def forbidden(name: str) -> Refusal:
    return Refusal(
        (f"ACL SETUSER default -{name}", "CLIENT KILL TYPE normal SKIPME yes"),
        (f"ACL SETUSER default +{name}",),
    )


REFUSALS = {
    "read-only": Refusal(("REPLICAOF 127.0.0.1 1",), ("REPLICAOF NO ONE",)),
    "full": Refusal(
        ("CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1"),
        ("CONFIG SET maxmemory 64mb",),
    ),
    **{f"{name}-forbidden": forbidden(name) for name in ("info", "time", "evalsha")},
}


@pytest.fixture
async def admin(own_redis: RedisServer) -> AsyncIterator[Redis]:
    """Somebody whom nothing is refused."""
    async with Redis.from_url(own_redis.url) as redis:
        await command(redis, "ACL SETUSER admin on nopass ~* &* +@all")
    async with Redis.from_url(f"redis://admin:any@127.0.0.1:{own_redis.port}/0") as redis:
        yield redis


@pytest.fixture
async def database(mongodb: EmbeddedMongoDB) -> AsyncIterator[AsyncDatabase[Document]]:
    async with connect(mongodb.uri) as client:
        yield client[f"test-{uuid4()}"]


@pytest.fixture
def settings(own_redis: RedisServer, database: AsyncDatabase[Document]) -> Settings:
    return Settings(
        mongodb_database=database.name, cache_type="redis", cache_redis_url=own_redis.url
    )


async def attempts(admin: Redis) -> int:
    """How often somebody has begun to find out whether Redis may be used."""
    statistics: dict[str, Any] = await admin.info("commandstats")
    looks = statistics.get("cmdstat_time", {})
    connecting = statistics.get("cmdstat_info", {})
    return int(looks.get("calls", 0) + looks.get("rejected_calls", 0)) + int(
        connecting.get("rejected_calls", 0)
    )


async def rename(worker: AsgiClient, path: str, new: str) -> None:
    answer = await worker.request("PATCH", path, json.dumps({"title": new}).encode())
    assert answer.status == 200
    read = await worker.request("GET", path)
    assert json.loads(read.body)["title"] == new


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
async def test_answers_are_right_and_the_cache_is_back_when_all_works(
    settings: Settings,
    mongodb: EmbeddedMongoDB,
    database: AsyncDatabase[Document],
    admin: Redis,
    caplog: pytest.LogCaptureFixture,
    refusal: Refusal,
) -> None:
    async with working(settings, mongodb) as worker:
        created = await worker.request("POST", "/events", json.dumps(EVENT).encode())
        path = f"/events/{json.loads(created.body)['id']}"
        await until_hit(worker, path)
        for line in refusal.begin:
            await command(admin, line)
        for number in range(3):
            await rename(worker, path, f"{number} without")
        # As if so much time had passed since the last write that its note has lapsed.
        await database["UnstampedWrites"].delete_many({})
        before = await attempts(admin)
        async with asyncio.timeout(30):
            while await attempts(admin) < before + 4:
                assert cache_status(await worker.request("GET", path)) == BYPASS
                assert BACK not in caplog.text
                await asyncio.sleep(0.01)
        assert (caplog.text.count(OFF), caplog.text.count(BACK)) == (1, 0)
        for line in refusal.end:
            await command(admin, line)
        await until_hit(worker, path)
        for number in range(3):
            await rename(worker, path, f"{number} with")
        assert (caplog.text.count(OFF), caplog.text.count(BACK)) == (1, 1)


async def test_a_redis_that_refuses_from_the_start_is_one_warning(
    settings: Settings, mongodb: EmbeddedMongoDB, admin: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """And that before the first write: what it will be needed for is tried out."""
    await command(admin, "ACL SETUSER default -evalsha")
    async with working(settings, mongodb) as worker:
        async with asyncio.timeout(30):
            while OFF not in caplog.text:
                await asyncio.sleep(0.01)
        assert cache_status(await worker.request("GET", "/events")) == BYPASS


async def test_the_rights_that_the_documentation_names_are_enough(
    settings: Settings,
    mongodb: EmbeddedMongoDB,
    own_redis: RedisServer,
    admin: Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await command(admin, f"ACL SETUSER eventpost on >secret {RIGHTS}")
    page = Path(__file__).parents[3] / "docs" / "cache.md"
    assert f"ACL SETUSER eventpost on >password {RIGHTS}" in page.read_text()
    limited = Settings(
        mongodb_database=settings.mongodb_database,
        cache_type="redis",
        cache_redis_url=f"redis://eventpost:secret@127.0.0.1:{own_redis.port}/1",
    )
    async with working(limited, mongodb) as worker:
        created = await worker.request("POST", "/events", json.dumps(EVENT).encode())
        path = f"/events/{json.loads(created.body)['id']}"
        await until_hit(worker, path)
        await rename(worker, path, "Renamed")
        await until_hit(worker, path)
    assert OFF not in caplog.text
