"""Indexes are there when a migration says that it is through, whoever builds them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient

from microservice_chassis.storage.client import Document, connect, unlimited
from microservice_chassis.storage.lease import DURATION_S
from tests.kinds import EVENTS
from tests.migrators import migration
from tests.mongod import Mongod
from tests.process_tree import DEADLINE_S
from tests.services import free_port

# A point in MongoDB at which an index build stops (src/mongo/db/catalog/multi_index_block.cpp).
FAIL_POINT = "hangAfterStartingIndexBuild"


@pytest.fixture
def mongod(tmp_path: Path) -> Iterator[Mongod]:
    """A mongod whose index builds can be stopped."""
    arguments = ("--setParameter", "enableTestCommands=1")
    with Mongod(free_port(), tmp_path / "mongod", *arguments) as mongod:
        yield mongod


@pytest.fixture
async def client(mongod: Mongod) -> AsyncIterator[AsyncMongoClient[Document]]:
    async with connect(f"{mongod.uri}?appName=tested") as connected:
        yield connected


@asynccontextmanager
async def stopped_builds(client: AsyncMongoClient[Document]) -> AsyncIterator[None]:
    """No index build comes to its end."""
    await client.admin.command({"configureFailPoint": FAIL_POINT, "mode": "alwaysOn"})
    try:
        yield
    finally:
        await stop_no_builds(client)


async def stop_no_builds(client: AsyncMongoClient[Document]) -> None:
    await client.admin.command({"configureFailPoint": FAIL_POINT, "mode": "off"})


async def becomes_true(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_a_migration_is_through_when_indexes_that_another_builds_are_there(
    mongod: Mongod, client: AsyncMongoClient[Document]
) -> None:
    dator = EVENTS.dator(client["events"])
    assert await migration(dator).run()
    await dator.collection.insert_one({})
    await dator.collection.drop_index("by_title")

    async def is_listed() -> bool:
        return "by_title" in await dator.collection.index_information()

    async with connect(f"{mongod.uri}?appName=other") as other, stopped_builds(client):
        indexes = [each for each in dator.indexes if each.document["name"] == "by_title"]
        with unlimited():
            build = asyncio.create_task(other["events"]["Events"].create_indexes(indexes))
            await becomes_true(is_listed)
        run = asyncio.create_task(migration(dator).run())

        async def waits() -> bool:
            query = {"command.indexes.name": "by_title", "appName": "tested"}
            operations = await client.admin.command({"currentOp": 1, **query})
            return run.done() or bool(operations["inprog"])

        await becomes_true(waits)
        assert not run.done()
        await stop_no_builds(client)
        assert await run
        await build
    assert await dator.collection.find({}, hint="by_title").to_list()


async def test_the_lease_is_kept_while_indexes_are_built(
    client: AsyncMongoClient[Document],
) -> None:
    dator = EVENTS.dator(client["events"])
    await dator.collection.insert_one({})
    records, key = dator.deployment.records, {"_id": dator.deployment.name}
    async with stopped_builds(client):
        run = asyncio.create_task(migration(dator).run())

        async def leased() -> bool:
            return await records.find_one({**key, "migration": {"$exists": True}}) is not None

        await becomes_true(leased)
        soon = datetime.now(UTC) + timedelta(seconds=DURATION_S / 2)
        await records.update_one(key, {"$set": {"migration.until": soon}})

        async def prolonged() -> bool:
            return await records.find_one({**key, "migration.until": {"$gt": soon}}) is not None

        await becomes_true(prolonged)
        assert not run.done()
    assert await run
