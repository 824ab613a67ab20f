"""Databases of a test, which nothing is left of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from microservice_chassis.storage.client import Document
from tests.process_tree import DEADLINE_S

# MongoDB's code for a collection whose indexes are being built (src/mongo/base/error_codes.yml).
_INDEX_BUILD_UNDER_WAY = 12587


async def drop(client: AsyncMongoClient[Document], name: str) -> None:
    """Remove a database, once no index of it is being built any more."""
    await behind_index_builds(lambda: client.drop_database(name))


async def behind_index_builds(operation: Callable[[], Awaitable[object]]) -> None:
    """Do what MongoDB refuses while it builds an index.

    A build goes on in MongoDB when the service that asked for it has ended.
    """
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        try:
            await operation()
            return
        except OperationFailure as error:
            if error.code != _INDEX_BUILD_UNDER_WAY or time.monotonic() > deadline_s:
                raise
        await asyncio.sleep(0.01)
