from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.database import Document, connect
from microservice_chassis.embedded_mongodb import EmbeddedMongoDB


@pytest.fixture(scope="session")
async def mongodb(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedMongoDB]:
    """A real mongod for the whole run."""
    with EmbeddedMongoDB(tmp_path_factory.mktemp("mongodb")) as embedded:
        await embedded.start()
        yield embedded
        await embedded.stop()


@pytest.fixture(scope="module")
async def database(mongodb: EmbeddedMongoDB) -> AsyncIterator[AsyncDatabase[Document]]:
    """A fresh database for each module."""
    async with connect(mongodb.uri) as client:
        yield client[f"test-{uuid.uuid4()}"]
