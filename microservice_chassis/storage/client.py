"""The connection to MongoDB, and the one place where its failures become domain errors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pymongo
from pymongo import AsyncMongoClient
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
)
from pymongo.monitoring import CommandListener

from microservice_chassis.errors import DatabaseRefusal, DatabaseUnavailable, InvalidSetting
from microservice_chassis.storage.server_clock import ServerClock

Document = dict[str, Any]

# A client has its 503 within 2 s (docs/index.md#when-something-breaks): this is what one
# operation may take in all, from the choice of a server to the end of the answer.
OPERATION_TIMEOUT_MS = 1_500

# What the service promises (docs/data.md#what-mongodb-promises) rests on these, so they are not
# for the URI to say; a keyword argument of PyMongo counts in place of an option in the URI.
_PROMISES: dict[str, Any] = {
    "w": "majority",
    "journal": True,
    "readPreference": "primary",
    "readConcernLevel": "majority",
    "retryWrites": True,
    "retryReads": True,
    "timeoutMS": OPERATION_TIMEOUT_MS,
    "connectTimeoutMS": OPERATION_TIMEOUT_MS,
    "serverSelectionTimeoutMS": OPERATION_TIMEOUT_MS,
    "socketTimeoutMS": None,
    "waitQueueTimeoutMS": None,
    # NOTE: after a user could not be authenticated, PyMongo asks the server for nothing until
    #   the next heartbeat; and this is how old what is known of the server's clock may be.
    "heartbeatFrequencyMS": 2_000,
    "tz_aware": True,
    # NOTE: as many connections as requests under way. PyMongo's pool does not serve those who
    #   wait in turn; with a small pool some waited until they failed.
    "maxPoolSize": None,
}

# What a URI must not have, and why. A direct connection reads from a secondary as well, whatever
# the read preference says (Server Selection specification, "Topology type Single").
_REFUSED = {
    "directconnection=true": "it could read from a secondary: leave it out",
    "readpreferencetags": "the service reads from the primary: leave it out",
    "maxstalenessseconds": "the service reads from the primary: leave it out",
    "fsync": "the service waits for the journal: leave it out",
}

# MongoDB's error codes for a user who cannot be authenticated or has not the rights
# (src/mongo/base/error_codes.yml); 8000 is Atlas'.
_REFUSALS = frozenset({11, 13, 18, 334, 391, 8000})

# After it could not open a connection, PyMongo 4.20 repeats a write with a transaction number,
# which a standalone refuses (IllegalOperation). Nothing has been written then.
_REFUSED_REPEAT = 20


def connect(
    uri: str | None, listeners: Sequence[CommandListener] = ()
) -> AsyncMongoClient[Document]:
    """Return a client for the MongoDB at `uri`; it connects at the first operation.

    Every write is acknowledged by a majority of the members and from their journals,
    so that an answered write survives the death of any process; every read is one of the primary,
    of what a majority has. `listeners` are told of each command.

    Raises:
        InvalidSetting: `uri` is not a MongoDB URI, or weakens a promise; the message has nothing
            of its values.
    """
    if uri is None:
        raise InvalidSetting("MONGODB_URI must be set where Gunicorn is started by hand")
    _refuse_options(uri)
    try:
        with warnings.catch_warnings():
            # NOTE: PyMongo would only warn of an option that it cannot use, and go on without it.
            warnings.simplefilter("error", UserWarning)
            return AsyncMongoClient(uri, event_listeners=[ServerClock(), *listeners], **_PROMISES)
    # NOTE: an OSError is of a file that a TLS option names; an ssl.SSLError is one, too.
    except (PyMongoError, UserWarning, ValueError, KeyError, OSError):
        raise InvalidSetting(
            "MONGODB_URI cannot be used: it must be a MongoDB URI, whose options are those"
            " of PyMongo's MongoClient with values that they can have; tlsCAFile,"
            " tlsCertificateKeyFile and tlsCRLFile name files in PEM that can be read"
        ) from None


def _refuse_options(uri: str) -> None:
    for option in uri.partition("?")[2].replace(";", "&").split("&"):
        name, _, value = option.partition("=")
        for refused in (name.lower(), f"{name}={value}".lower()):
            if refused in _REFUSED:
                raise InvalidSetting(f"MONGODB_URI must not have {name}: {_REFUSED[refused]}")


def unlimited() -> AbstractContextManager[Any]:
    """Around one operation: it may take as long as it takes, in the place of its time limit."""
    # NOTE: 0 is no limit (Client Side Operations Timeout specification); with None PyMongo goes by
    #   the client's, and MongoDB takes back what it has built of an index until then.
    return pymongo.timeout(0)


@contextmanager
def reachable() -> Iterator[None]:
    """Around one operation: a MongoDB that cannot be reached, or is too slow, is unavailable.

    Raises:
        DatabaseRefusal: MongoDB answers, and does not let this user do it.
        DatabaseUnavailable
    """
    try:
        yield
    except PyMongoError as error:
        code = error.code if isinstance(error, OperationFailure) else None
        if code in _REFUSALS:
            raise DatabaseRefusal(f"MongoDB refuses it (code {code})") from error
        if code == _REFUSED_REPEAT:
            raise DatabaseUnavailable("no connection could be opened") from error
        # NOTE: what a name or a certificate leads to is known only when somebody connects.
        if isinstance(error, ConnectionFailure | ConfigurationError) or error.timeout:
            raise DatabaseUnavailable(str(error)) from error
        raise
