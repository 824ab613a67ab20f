from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.caching.redis_store import RedisStore
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.unstamped_writes import UnstampedWrites
from tests.clock import Clock
from tests.integration.caching.redis_stores import TIMEOUT_OF_ENTRIES_S, deployment, is_kept
from tests.redis_server import RedisServer
from tests.services import free_port


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that a test may treat badly."""
    with RedisServer(free_port(), tmp_path) as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notes(database: AsyncDatabase[Document]) -> AsyncCollection[Document]:
    return database["UnstampedWrites"]


@pytest.fixture
def observer(notes: AsyncCollection[Document]) -> UnstampedWrites:
    """Somebody who only looks for notes."""
    return UnstampedWrites(notes, "events")


@pytest.fixture
async def stores(
    own_redis: RedisServer, notes: AsyncCollection[Document], clock: Clock
) -> AsyncIterator[list[RedisStore]]:
    """Two that are sure, for as long as the clock stands still."""

    def store() -> RedisStore:
        unstamped = UnstampedWrites(notes, "events", clock.now_s, clock.sleep)
        return RedisStore(own_redis.url, TIMEOUT_OF_ENTRIES_S, unstamped, deployment, clock.now_s)

    stores = [store(), store()]
    for each in stores:
        await each.work()
        assert await is_kept(each)
    yield stores
    for each in stores:
        await each.close()
