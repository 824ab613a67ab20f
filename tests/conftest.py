from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.database import Document, connect
from microservice_chassis.embedded_mongodb import EmbeddedMongoDB
from tests.e2e.conftest import free_port
from tests.redis_server import RedisServer


@pytest.fixture(scope="session")
async def mongodb(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedMongoDB]:
    """A real mongod for the whole run."""
    with EmbeddedMongoDB(tmp_path_factory.mktemp("mongodb")) as embedded:
        await embedded.start()
        yield embedded
        await embedded.stop()


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis for the whole run."""
    with RedisServer(free_port(), tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
async def database(mongodb: EmbeddedMongoDB) -> AsyncIterator[AsyncDatabase[Document]]:
    """A fresh database for each module."""
    async with connect(mongodb.uri) as client:
        yield client[f"test-{uuid.uuid4()}"]
