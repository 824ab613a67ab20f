"""Pages of a thousand resources beside other operations of the same worker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandListener

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import Document, connect
from microservice_chassis.storage.dator import Dator
from tests.commands import Commands
from tests.examples import EVENT
from tests.kinds import EVENTS

LIMIT = 1000


class Turns(CommandListener):
    """Counts the turns of the event loop, and since when MongoDB has answered."""

    def __init__(self) -> None:
        self.count = 0
        self.answered_at = 0

    async def go_on(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)

    def started(self, _event: object) -> None:
        pass

    def succeeded(self, _event: object) -> None:
        self.answered_at = self.count

    def failed(self, _event: object) -> None:
        pass


async def fill(dator: Dator[Any], resources: int) -> None:
    """Create many resources, as they are kept."""
    event = dator.schema.parse(EVENT).with_derived()
    document = {**(await dator.codec()).document(event), "revision": 1}
    await dator.collection.insert_many({**document, "_id": ObjectId()} for _ in range(resources))


async def test_a_large_page_is_one_operation(
    mongodb: EmbeddedMongoDB, database: AsyncDatabase[Document]
) -> None:
    commands = Commands()
    await fill(EVENTS.dator(database), LIMIT + 1)
    async with connect(mongodb.uri, [commands]) as client:
        dator = EVENTS.dator(client[database.name])
        await dator.codec()
        commands.names.clear()
        page = await dator.page(dator.query(limit=LIMIT))
        assert (len(page.representations), page.next is None) == (LIMIT, False)
        assert (
            len((await dator.page(dator.query(limit=LIMIT, cursor=page.next))).representations) == 1
        )
        assert commands.names == ["find", "find"]


async def test_others_go_on_while_a_large_page_is_encoded(
    mongodb: EmbeddedMongoDB, database: AsyncDatabase[Document]
) -> None:
    turns = Turns()
    await fill(EVENTS.dator(database), LIMIT)
    async with connect(mongodb.uri, [turns]) as client:
        dator = EVENTS.dator(client[database.name])
        await dator.codec()
        counting = asyncio.create_task(turns.go_on())
        await dator.page(dator.query(limit=LIMIT))
        counting.cancel()
        assert turns.count - turns.answered_at > 10


@pytest.mark.load
async def test_a_small_page_is_encoded_beside_large_ones(
    database: AsyncDatabase[Document],
) -> None:
    ended: list[int] = []
    await fill(EVENTS.dator(database), LIMIT)

    async def read(limit: int) -> None:
        await dator.page(dator.query(limit=limit))
        ended.append(limit)

    dator = EVENTS.dator(database)  # that remembers nothing
    await dator.codec()
    await asyncio.gather(*(read(LIMIT) for _ in range(4)), read(1))
    assert ended.index(1) < 4
