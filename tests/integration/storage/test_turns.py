"""In which order a write enters its stamps and has its turn at MongoDB."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.schema.patch import Patch
from microservice_chassis.storage.bulkhead import OPERATIONS, Bulkhead
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.deployment import Deployment
from microservice_chassis.storage.identifiers import Identifiers, ProcessFloor
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS, Change
from microservice_chassis.storage.writer import Writer
from tests.examples import EVENT
from tests.kinds import EVENTS

DEADLINE_S = 20.0


class Stamps:
    """Remember each change, and can keep those who begin one waiting."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.entered = 0
        self.left: list[bool] = []  # whether something was made

    @asynccontextmanager
    async def change(self, *_names: str, insert: bool = False) -> AsyncIterator[Change]:  # noqa: ARG002
        self.entered += 1
        await self.open.wait()
        change = Change()
        yield change
        self.left.append(change.made)


async def test_nobody_has_a_turn_at_mongodb_while_it_waits_for_the_stamps(
    database: AsyncDatabase[Document],
) -> None:
    stamps = Stamps()
    deployment = Deployment(database, "events", {})
    dator = EVENTS.dator_class(database, deployment, stamps, Identifiers(ProcessFloor()))
    event = dator.schema.parse(EVENT)
    identifier = (await dator.insert(event)).resource.id
    stamps.open.clear()
    writes = [
        asyncio.ensure_future(write)
        for _ in range(OPERATIONS)
        for write in (dator.insert(event), dator.patch(identifier, Patch({"title": "Changed"})))
    ]
    async with asyncio.timeout(DEADLINE_S):
        while stamps.entered < 1 + len(writes):
            await asyncio.sleep(0)
        assert (await dator.find(identifier)).revision == 1
        stamps.open.set()
        await asyncio.gather(*writes)
    assert (await dator.find(identifier)).revision == 1 + OPERATIONS


async def test_a_write_whose_turn_came_late_enters_anew_and_is_the_next(
    database: AsyncDatabase[Document],
) -> None:
    late_s = 0.0

    def now_s() -> float:
        return time.monotonic() + late_s

    stamps, bulkhead = Stamps(), Bulkhead(operations=1, now_s=now_s)
    writer = Writer(database["Events"], "events", stamps, bulkhead, now_s)
    key = ObjectId()
    await database["Events"].insert_one({"_id": key})
    order = []

    async def write() -> None:
        await writer.update(key, {}, {"$set": {"title": "Changed"}})
        order.append("write")

    async def read() -> None:
        async with bulkhead.operation():
            order.append("read")

    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group, bulkhead.operation():
        group.create_task(write())
        while not stamps.entered:
            await asyncio.sleep(0)
        for _ in range(3):
            group.create_task(read())
        await asyncio.sleep(0)
        late_s = LONGEST_CHANGE_MS / 1000 - 1.9
    assert stamps.left == [False, True]
    assert order == ["read", "write", "read", "read"]
