"""How long an operation may take, by a real MongoDB that takes its time."""

from __future__ import annotations

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.errors import DatabaseUnavailable
from microservice_chassis.storage.client import (
    OPERATION_TIMEOUT_MS,
    Document,
    reachable,
    unlimited,
)

# Longer than one operation may take.
SLOW = {"$where": f"sleep({OPERATION_TIMEOUT_MS + 300}) || true"}


async def test_an_operation_is_given_up_at_its_limit(database: AsyncDatabase[Document]) -> None:
    await database["Slow"].insert_one({})
    with pytest.raises(DatabaseUnavailable), reachable():
        await database["Slow"].find_one(SLOW)


async def test_what_has_no_limit_may_take_longer(database: AsyncDatabase[Document]) -> None:
    await database["Slow"].insert_one({})
    with unlimited(), reachable():
        assert await database["Slow"].find_one(SLOW) is not None
