from __future__ import annotations

import gc
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import hypothesis
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.process.run_directory import RunDirectory
from microservice_chassis.storage.client import Document, connect
from tests.databases import drop
from tests.redis_server import RedisServer
from tests.services import free_port

# How long an example takes depends on what else a machine does, and says nothing.
hypothesis.settings.register_profile(
    "eventpost", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("eventpost")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Report a failure without collecting garbage meanwhile.

    Both the report and what logs an exception that nobody retrieved parse source. One within the
    other is a SystemError in Python 3.11, which would end the whole run without a report.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.fixture(scope="session")
async def mongodb(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedMongoDB]:
    """A real mongod for the whole run."""
    directory = tmp_path_factory.mktemp("mongodb")
    with RunDirectory(directory) as run, EmbeddedMongoDB(run) as embedded:
        await embedded.start()
        yield embedded
        await embedded.stop()


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis for the whole run."""
    with RedisServer(free_port(), tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def database(mongodb: EmbeddedMongoDB) -> AsyncIterator[AsyncDatabase[Document]]:
    """A fresh database for each test."""
    name = f"test-{uuid.uuid4()}"
    async with connect(mongodb.uri) as client:
        yield client[name]
        await drop(client, name)
