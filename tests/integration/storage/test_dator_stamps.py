"""What a dator owes those who cache: each write happens within a change of what it touches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.errors import ResourceNotFound
from microservice_chassis.schema.patch import Patch
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.deployment import Deployment
from microservice_chassis.storage.identifiers import Identifiers, ProcessFloor
from microservice_chassis.storage.version_stamps import Change
from tests.kinds import EVENTS


class Seen(NamedTuple):
    names: tuple[str, ...]
    insert: bool
    made: bool
    before: list[int]  # the revisions in the database
    behind: list[int]


class Stamps:
    """Those of somebody who looks at the database before and behind each write."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._events = database["Events"]
        self.seen: list[Seen] = []

    @asynccontextmanager
    async def change(self, *names: str, insert: bool = False) -> AsyncIterator[Change]:
        before = await self.revisions()
        change = Change()
        yield change
        self.seen.append(Seen(names, insert, change.made, before, await self.revisions()))

    async def revisions(self) -> list[int]:
        return [each["revision"] async for each in self._events.find().sort("_id")]


@pytest.fixture
def stamps(database: AsyncDatabase[Document]) -> Stamps:
    return Stamps(database)


@pytest.fixture
def dator(database: AsyncDatabase[Document], stamps: Stamps) -> Dator[Any]:
    deployment = Deployment(database, "events", {})
    return EVENTS.dator_class(database, deployment, stamps, Identifiers(ProcessFloor()))


Write = Callable[[Dator[Any], str], Awaitable[Any]]


async def replace(dator: Dator[Any], key: str) -> None:
    await dator.replace(key, dator.schema.parse(EVENTS.example))


async def patch(dator: Dator[Any], key: str) -> None:
    await dator.patch(key, Patch({"title": "Patched"}))


async def patch_what_others_depend_on(dator: Dator[Any], key: str) -> None:
    await dator.patch(key, dator.schema.parse_patch({"duration": "PT1H"}))


async def delete(dator: Dator[Any], key: str) -> None:
    await dator.delete(key)


WRITES = (replace, patch, patch_what_others_depend_on, delete)


async def test_an_insert_touches_the_list_and_says_that_it_is_one(
    dator: Dator[Any], stamps: Stamps
) -> None:
    await dator.insert(dator.schema.parse(EVENTS.example))
    assert stamps.seen == [Seen(("events",), True, True, [], [1])]


@pytest.mark.parametrize("write", WRITES)
async def test_any_other_write_touches_the_list_and_the_item(
    dator: Dator[Any], stamps: Stamps, write: Write
) -> None:
    key = (await dator.insert(dator.schema.parse(EVENTS.example))).resource.id
    await write(dator, key)
    behind = [] if write is delete else [2]
    assert stamps.seen[1:] == [Seen(("events", f"events/{key}"), False, True, [1], behind)]


@pytest.mark.parametrize("write", WRITES)
async def test_a_write_that_finds_nothing_says_so(
    dator: Dator[Any], stamps: Stamps, write: Write
) -> None:
    with pytest.raises(ResourceNotFound):
        await write(dator, "f" * 24)
    assert [each.made for each in stamps.seen] == [False] * len(stamps.seen)
