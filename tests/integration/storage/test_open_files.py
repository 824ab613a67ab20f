"""A worker that can open no file more refuses what it cannot do, and does nothing unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.errors import DatabaseUnavailable
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.schema.patch import Patch
from microservice_chassis.storage.client import Document, connect
from microservice_chassis.storage.dator import Dator
from tests.examples import EVENT
from tests.kinds import EVENTS
from tests.open_files import none_left

RESOURCES = 12


def requests(dator: Dator[Any], ids: list[str]) -> list[Awaitable[Any]]:
    """One of each kind for each resource, at once."""
    event = dator.schema.parse(EVENT)
    return [
        request
        for identifier in ids
        for request in (
            dator.patch(identifier, Patch({"title": "Changed"})),
            dator.replace(identifier, event),
            dator.insert(event),
            dator.find(identifier),
            dator.page(dator.query(limit=2)),
        )
    ]


@pytest.mark.parametrize("spare", [0, 2, 4])
@pytest.mark.parametrize("connected", [True, False])
async def test_without_files_each_operation_is_done_or_refused(
    mongodb: EmbeddedMongoDB, database: AsyncDatabase[Document], spare: int, connected: bool
) -> None:
    seen = EVENTS.dator(database)
    event = seen.schema.parse(EVENT)
    ids = [(await seen.insert(event)).resource.id for _ in range(RESOURCES)]
    async with connect(mongodb.uri) as client:
        dator = EVENTS.dator(client[database.name])
        if connected:
            await dator.codec()
        with none_left(spare):
            results = await asyncio.gather(*requests(dator, ids), return_exceptions=True)
        failed = [result for result in results if isinstance(result, BaseException)]
        assert {type(failure) for failure in failed} <= {DatabaseUnavailable}
        changes = [result for n, result in enumerate(results) if n % 5 in (0, 1)]
        changed = [result for result in changes if not isinstance(result, BaseException)]
        revisions = sum([(await seen.find(each)).revision - 1 for each in ids])
        assert revisions == len(changed)
        await dator.find(ids[0])
