"""A change that was refused is made before its deadline or never, whatever held it up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pymongo import MongoClient
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.errors import DatabaseUnavailable, ResourceNotFound
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.schema.patch import Patch
from microservice_chassis.storage.client import Document, connect
from microservice_chassis.storage.codec import FORM, Stored
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.lease import Lease
from microservice_chassis.storage.server_clock import ServerClock
from microservice_chassis.storage.version_stamps import Change
from tests.commands import Commands
from tests.examples import LEGACY_NOTIFICATION, NOTIFICATION
from tests.holding_proxy import HoldingProxy
from tests.kinds import NOTIFICATIONS
from tests.migrators import migration
from tests.mongod import Mongod
from tests.services import free_port

DEADLINE_S = 20.0

# At once from one worker; more than the bulkhead lets through.
CHANGES = 32

# The name under which mongod knows them.
WORKER = "worker"


class SlowStamps:
    """Stamps with which the first write begins late."""

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self._changes = 0

    @asynccontextmanager
    async def change(self, *_names: str, insert: bool = False) -> AsyncIterator[Change]:  # noqa: ARG002
        self._changes += 1
        if self._changes == 1:
            self._clock.tell(datetime.now(UTC) - timedelta(hours=1))
        yield Change()


class Held(NamedTuple):
    """A mongod, and a proxy that leads to it."""

    mongod: Mongod
    proxy: HoldingProxy


@pytest.fixture(params=["standalone", "replica set"])
async def held(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Held]:
    """A standalone, and a replica set of one member, whose address is the proxy's."""
    replica_set = request.param == "replica set"
    arguments = ("--replSet", "rs") if replica_set else ()
    with Mongod(free_port(), tmp_path / "mongodb", *arguments) as mongod:
        async with HoldingProxy(mongod.port) as proxy:
            if replica_set:
                member = {"_id": 0, "host": f"127.0.0.1:{proxy.port}"}
                config = {"_id": "rs", "members": [member]}
                await asyncio.to_thread(mongod.command, {"replSetInitiate": config})
            yield Held(mongod, proxy)


@asynccontextmanager
async def worker(port: int) -> AsyncIterator[Dator[Any]]:
    """A dator with a client of its own, which has a connection for each operation."""
    async with connect(f"mongodb://127.0.0.1:{port}/?appName={WORKER}") as client:
        dator = NOTIFICATIONS.dator(client["late"])
        await until(dator.check)
        await asyncio.gather(
            *(dator.find("f" * 24) for _ in range(CHANGES)), return_exceptions=True
        )
        yield dator


async def until(attempt: Callable[[], Awaitable[None]]) -> None:
    """Return when MongoDB is available."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            with suppress(DatabaseUnavailable):
                return await attempt()
            await asyncio.sleep(0.02)


async def until_gone(mongod: Mongod) -> None:
    """Return when mongod has done all that it was told by workers who have gone."""
    async with asyncio.timeout(DEADLINE_S):
        while await asyncio.to_thread(mongod.connections, WORKER):
            await asyncio.sleep(0.02)


def change(dator: Dator[Any], number: int, identifier: str) -> Awaitable[Stored[Any]]:
    """One of the three ways to change a resource."""
    if number % 3 == 0:
        return dator.patch(identifier, Patch({"subject": "Much too late"}))
    if number % 3 == 1:
        return dator.replace(
            identifier, dator.schema.parse({**NOTIFICATION, "subject": "Much too late"})
        )
    return dator.delete(identifier)


def acknowledge(mongod: Mongod) -> None:
    """Change all the resources, past the proxy."""
    with MongoClient[Document](mongod.uri, directConnection=True, w="majority") as client:
        update = {"$set": {"subject": "Acknowledged"}, "$inc": {"revision": 1}}
        assert client["late"]["Notifications"].update_many({}, update).modified_count == CHANGES


async def refused(changes: Iterable[Awaitable[Any]]) -> None:
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert {type(result) for result in results} == {DatabaseUnavailable}


async def test_what_a_stopped_mongodb_did_not_begin_is_never_done(held: Held) -> None:
    async with worker(held.proxy.port) as dator:
        stored = [await dator.insert(dator.schema.parse(NOTIFICATION)) for _ in range(CHANGES)]
        ids = [each.resource.id for each in stored]
        held.mongod.pause()
        await refused(change(dator, number, each) for number, each in enumerate(ids))
    held.mongod.go_on()
    await until_gone(held.mongod)
    async with worker(held.proxy.port) as dator:
        assert [await dator.find(each) for each in ids] == stored


async def test_what_a_network_has_held_overwrites_nothing(held: Held) -> None:
    async with worker(held.proxy.port) as late:
        stored = [await late.insert(late.schema.parse(NOTIFICATION)) for _ in range(CHANGES)]
        ids = [each.resource.id for each in stored]
        held.proxy.hold()
        await refused(change(late, number, each) for number, each in enumerate(ids))
        await asyncio.to_thread(acknowledge, held.mongod)
    held.proxy.release()
    await until_gone(held.mongod)
    async with worker(held.proxy.port) as dator:
        found = [await dator.find(each) for each in ids]
    assert {(each.resource.subject, each.revision) for each in found} == {("Acknowledged", 2)}


async def test_a_change_whose_connection_is_lost_is_refused_only_when_it_cannot_happen_any_more(
    held: Held,
) -> None:
    async with worker(held.proxy.port) as dator:
        stored = [await dator.insert(dator.schema.parse(NOTIFICATION)) for _ in range(3)]
        ids = [each.resource.id for each in stored]
        held.proxy.hold()
        changes = [
            asyncio.ensure_future(change(dator, number, each)) for number, each in enumerate(ids)
        ]
        async with asyncio.timeout(DEADLINE_S):
            while held.proxy.held < len(ids):
                await asyncio.sleep(0.001)
        held.proxy.cut_off()
        await refused(changes)
        held.proxy.release()
    await until_gone(held.mongod)
    async with worker(held.proxy.port) as dator:
        assert [await dator.find(each) for each in ids] == stored


async def test_a_clock_that_was_wrong_costs_two_operations_and_no_change(
    mongodb: EmbeddedMongoDB,
) -> None:
    commands = Commands()
    async with connect(mongodb.uri, [commands]) as client:
        dator = NOTIFICATIONS.dator(client["operations"])
        identifier = (await dator.insert(dator.schema.parse(NOTIFICATION))).resource.id
        for number in range(3):
            ServerClock.of(client).tell(datetime.now(UTC) - timedelta(hours=1))
            commands.names.clear()
            changed = await dator.patch(identifier, Patch({"subject": f"Title {number}"}))
            assert commands.names == ["findAndModify", "find", "findAndModify"]
            assert changed.revision == number + 2
        commands.names.clear()
        await dator.delete(identifier)
        assert commands.names == ["findAndModify"]


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(hours=1)])
async def test_what_is_not_there_is_told_from_what_came_too_late(
    mongodb: EmbeddedMongoDB, behind: timedelta
) -> None:
    commands = Commands()
    async with connect(mongodb.uri, [commands]) as client:
        dator = NOTIFICATIONS.dator(client["operations"])
        await dator.codec()
        for change_of_nothing in (
            dator.patch("f" * 24, Patch({"subject": "Nothing"})),
            dator.replace("f" * 24, dator.schema.parse(NOTIFICATION)),
            dator.delete("f" * 24),
        ):
            ServerClock.of(client).tell(datetime.now(UTC) - behind)
            commands.names.clear()
            with pytest.raises(ResourceNotFound):
                await change_of_nothing
            assert commands.names == ["findAndModify", "find"]


async def test_a_migration_writes_nothing_behind_its_deadline(
    database: AsyncDatabase[Document],
) -> None:
    dator = NOTIFICATIONS.dator(database)
    await dator.collection.insert_one(dict(LEGACY_NOTIFICATION))
    migrator = migration(dator, SlowStamps(ServerClock.of(database.client)))
    assert await migrator.work() is not None
    assert await dator.collection.count_documents({"form": FORM}) == 0
    await migrator.until_through()
    assert await dator.collection.count_documents({"form": FORM}) == 1


async def test_a_lease_is_not_taken_behind_its_deadline(database: AsyncDatabase[Document]) -> None:
    records = database["Deployment"]
    await records.insert_one({"_id": "Notifications"})
    ServerClock.of(database.client).tell(datetime.now(UTC) - timedelta(hours=1))
    assert not await Lease(records, "Notifications", "migration").claim()
    assert await records.find_one({}) == {"_id": "Notifications"}
    ServerClock.of(database.client).tell(datetime.now(UTC))
    assert await Lease(records, "Notifications", "migration").claim()
