"""The connection to MongoDB, and the one place where its failures become domain errors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure, PyMongoError

from microservice_chassis.errors import DatabaseUnavailable, InvalidSetting

Document = dict[str, Any]

# A client has its 503 within 2 s (docs/index.md#when-something-breaks): this is what one
# operation may take in all, from the choice of a server to the end of the answer.
OPERATION_TIMEOUT_MS = 1_500


def connect(uri: str | None) -> AsyncMongoClient[Document]:
    """Return a client for the MongoDB at `uri`; it connects at the first operation.

    Every write is acknowledged by a majority of the members and from their journals,
    so that an answered write survives the death of any process.

    Raises:
        InvalidSetting: `uri` is not a MongoDB URI; the message has nothing of it.
    """
    if uri is None:
        raise InvalidSetting("MONGODB_URI must be set where Gunicorn is started by hand")
    try:
        with warnings.catch_warnings():
            # NOTE: PyMongo would only warn of an option that it cannot use, and go on without it.
            warnings.simplefilter("error", UserWarning)
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
    except (PyMongoError, UserWarning, ValueError):
        raise InvalidSetting(
            "MONGODB_URI cannot be used: it must be a MongoDB URI, whose options are those"
            " of PyMongo's MongoClient with values that they can have"
        ) from None


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


async def ping(client: AsyncMongoClient[Document]) -> None:
    """Return when MongoDB has answered.

    Raises:
        DatabaseUnavailable
    """
    with reachable():
        await client.admin.command("ping")
