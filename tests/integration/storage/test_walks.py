"""A walk through all resources: each of them once, in constant memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import Document, connect
from microservice_chassis.storage.dator import Dator
from tests.commands import Commands
from tests.kinds import EVENTS, Kind


async def fill(dator: Dator[Any], example: Document, count: int) -> list[str]:
    """Create resources as they are kept, and return their ids."""
    resource = dator.schema.parse(example).with_derived()
    document = {**(await dator.codec()).document(resource), "revision": 1}
    documents = [{**document, "_id": ObjectId()} for _ in range(count)]
    await dator.collection.insert_many(documents)
    return [str(each["_id"]) for each in documents]


def ids(pages: Iterable[list[bytes]]) -> list[str]:
    return [json.loads(each)["id"] for page in pages for each in page]


@pytest.mark.parametrize("count", [1, 499, 500, 501, 1600])
async def test_everything_is_seen_once_in_the_order_of_creation(
    database: AsyncDatabase[Document], kind: Kind, count: int
) -> None:
    dator = kind.dator(database)
    created = await fill(dator, kind.example, count)
    pages = [page async for page in dator.walk(dator.query())]
    assert ids(pages) == created
    assert max(map(len, pages)) <= 500


async def test_of_nothing_there_is_one_empty_page(
    database: AsyncDatabase[Document], kind: Kind
) -> None:
    dator = kind.dator(database)
    assert [page async for page in dator.walk(dator.query())] == [[]]


async def test_the_representations_are_those_of_a_page(
    database: AsyncDatabase[Document], kind: Kind
) -> None:
    dator = kind.dator(database)
    await fill(dator, kind.example, 3)
    await dator.collection.insert_one(dict(kind.legacy))
    assert [page async for page in dator.walk(dator.query())] == [
        (await dator.page(dator.query(limit=4))).representations
    ]


async def test_what_comes_and_goes_meanwhile_hides_nothing_else(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database)
    created = await fill(dator, EVENTS.example, 1001)
    walk = dator.walk(dator.query())
    seen = [await anext(walk)]
    await dator.delete(created[0])
    await dator.delete(created[499])
    await dator.delete(created[700])
    added = await fill(dator, EVENTS.example, 1)
    seen += [page async for page in walk]
    assert ids(seen) == created[:700] + created[701:] + added


async def test_what_cannot_be_read_is_left_out_and_named(
    database: AsyncDatabase[Document], caplog: pytest.LogCaptureFixture
) -> None:
    dator = EVENTS.dator(database)
    created = await fill(dator, EVENTS.example, 600)
    await dator.collection.update_one({"_id": ObjectId(created[7])}, {"$set": {"title": 7}})
    assert ids([page async for page in dator.walk(dator.query())]) == created[:7] + created[8:]
    assert caplog.text.count(f"events/{created[7]} cannot be read") == 1


async def test_what_is_read_again_and_again_is_not_driven_out(
    database: AsyncDatabase[Document],
) -> None:
    """The JSON that a worker remembers is the same after a walk as before."""
    dator = EVENTS.dator(database)
    await fill(dator, EVENTS.example, 2)
    before = (await dator.page(dator.query(limit=2))).representations
    await fill(dator, EVENTS.example, 3)
    walked = [each async for page in dator.walk(dator.query()) for each in page]
    after = (await dator.page(dator.query(limit=5))).representations
    assert [each is one for each, one in zip(after, before, strict=False)] == [True, True]
    assert not any(each is one for each, one in zip(after[2:], walked[2:], strict=True))


async def test_a_step_is_one_operation_that_leaves_nothing_open(
    mongodb: EmbeddedMongoDB, database: AsyncDatabase[Document]
) -> None:
    commands = Commands()
    await fill(EVENTS.dator(database), EVENTS.example, 1200)
    async with connect(mongodb.uri, [commands]) as client:
        dator = EVENTS.dator(client[database.name])
        await dator.codec()
        commands.names.clear()
        walk = dator.walk(dator.query())
        assert [len(await anext(walk)), len(await anext(walk))] == [500, 500]
        assert commands.names == ["find", "find"]


async def test_others_go_on_while_a_walk_is_encoded(database: AsyncDatabase[Document]) -> None:
    dator = EVENTS.dator(database)
    await fill(dator, EVENTS.example, 1000)
    ended: list[str] = []

    async def walk() -> None:
        assert sum([len(page) async for page in dator.walk(dator.query())]) == 1000
        ended.append("walk")

    async def read() -> None:
        for _ in range(5):
            await dator.page(dator.query(limit=1))
        ended.append("read")

    await asyncio.gather(walk(), walk(), walk(), read())
    assert ended.index("read") < 3
