"""The connection to MongoDB, and the one place where its failures become domain errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure, PyMongoError

from microservice_chassis.errors import DatabaseUnavailable
from microservice_chassis.settings import InvalidSetting

Document = dict[str, Any]

# A client has its 503 within 2 s (docs/index.md#when-something-breaks): this is what one
# operation may take in all, from the choice of a server to the end of the answer.
OPERATION_TIMEOUT_MS = 1_500

# How many operations a worker has under way at once; enough to keep a MongoDB busy.
OPERATIONS_AT_ONCE = 10


def connect(uri: str | None) -> AsyncMongoClient[Document]:
    """Return a client for the MongoDB at `uri`; it connects at the first operation.

    Every write is acknowledged by a majority of the members and from their journals,
    so that an answered write survives the death of any process.

    Raises:
        InvalidSetting: `uri` is not a MongoDB URI.
    """
    if uri is None:
        raise InvalidSetting("MONGODB_URI must be set where Gunicorn is started by hand")
    try:
        return AsyncMongoClient(
            uri,
            w="majority",
            journal=True,
            tz_aware=True,
            timeoutMS=OPERATION_TIMEOUT_MS,
            connectTimeoutMS=OPERATION_TIMEOUT_MS,
            # NOTE: as many connections as requests under way. PyMongo's pool does not
            #   serve those who wait in turn; with a small pool some waited until they failed.
            maxPoolSize=None,
        )
    except PyMongoError as error:
        raise InvalidSetting(f"MONGODB_URI cannot be used: {error}") from None


@contextmanager
def reachable() -> Iterator[None]:
    """Around one operation: a MongoDB that cannot be reached, or is too slow, is unavailable.

    Raises:
        DatabaseUnavailable
    """
    try:
        yield
    except PyMongoError as error:
        if isinstance(error, ConnectionFailure) or error.timeout:
            raise DatabaseUnavailable(str(error)) from error
        raise


class Turns:
    """Lets so many operations at a time to MongoDB; the others wait in the order they came.

    The time limit of an operation runs while it waits for the event loop, too. With hundreds
    under way in one worker it passes although MongoDB has answered long ago. Whoever waits for
    a turn has not started, and has no time limit yet.
    """

    def __init__(self, at_once: int = OPERATIONS_AT_ONCE) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._outages = 0

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Around one operation: wait for a turn, and then be `reachable`.

        Raises:
            DatabaseUnavailable: by this operation, or by one before it while it waited; so nobody
                waits longer for an outage than those who noticed it.
        """
        outages = self._outages
        async with self._free:
            if outages != self._outages:
                raise DatabaseUnavailable("MongoDB became unavailable to operations before")
            try:
                with reachable():
                    yield
            except DatabaseUnavailable:
                self._outages += 1
                raise
