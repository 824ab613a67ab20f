"""python -m development.backup: copy the database of a service to a file, or such a file back.

    python -m development.backup backup --service events --file events.bson.gz
    python -m development.backup restore --service events --file events.bson.gz

It has the settings of that service, which may run while a copy is made. A copy is restored to a
database that has nothing yet, be it of the same DATA_DIR or MONGODB_URI or of another one.

The file is a sequence of BSON documents (bsonspec.org), compressed with gzip. The first one names
the service, the last one says how many are in between; each of these has a document, byte by byte,
and the name of its collection.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import secrets
import sys
import zlib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import bson
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError

from development import command_line
from development.service_mongodb import mongodb_uri
from events_microservice.settings import Settings as EventsSettings
from microservice_chassis.errors import DatabaseUnavailable, InvalidSetting
from microservice_chassis.process.embedded_mongodb import MongoDBFailure
from microservice_chassis.process.run_directory import DataDirectoryFailure
from microservice_chassis.settings import ServiceSettings, read_settings
from microservice_chassis.storage.client import Document, connect, reachable, unlimited
from notifications_microservice.settings import Settings as NotificationsSettings

_SETTINGS: dict[str, type[ServiceSettings]] = {
    "events": EventsSettings,
    "notifications": NotificationsSettings,
}

# What matters only to processes that run, and to the answers that Redis has.
_PASSING = frozenset({"DeliveryHints", "UnstampedWrites"})

# As many as are read or inserted at once.
_BATCH = 1_000

# NOTE: a document is never decoded, so that one which no service can read is copied, too.
_AS_IT_IS = CodecOptions(document_class=RawBSONDocument)


class NoBackup(Exception):
    """A backup cannot be made or restored; the message says why."""


async def backup(database: AsyncDatabase[Document], service: str, path: Path) -> int:
    """Write all documents of a database to a file, and return how many there are.

    The file is there as a whole or not at all, and for its owner only.

    Raises:
        DatabaseUnavailable
        OSError: it cannot be written.
    """
    partial, number = path.with_name(f".{path.name}.{secrets.token_hex(4)}"), 0
    # NOTE: it has addresses, and everything else that nobody sees without a key.
    partial.touch(mode=0o600, exist_ok=False)
    try:
        with gzip.open(partial, "wb") as file, reachable(), unlimited():
            file.write(bson.encode({"backup_of": service}))
            for name in await _collections(database, service):
                documents = database.get_collection(name, _AS_IT_IS)
                async for document in documents.find(batch_size=_BATCH):
                    file.write(bson.encode({"collection": name, "document": document}))
                    number += 1
            file.write(bson.encode({"documents": number}))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return number


async def restore(database: AsyncDatabase[Document], service: str, path: Path) -> int:
    """Insert the documents of a file, and return how many there are.

    Raises:
        DatabaseUnavailable: nothing has been restored.
        NoBackup: the file is no whole backup of such a service, something is there already, or
            only a part could be restored.
        OSError: it cannot be read.
    """
    number = sum(1 for _ in _documents(path, service))
    with reachable(), unlimited():
        names = await database.list_collection_names()
    if names:
        raise NoBackup(
            f"the database {database.name} is not empty, it has {', '.join(sorted(names))}:"
            " stop the service, and name another DATA_DIR or MONGODB_DATABASE"
        )
    try:
        await _insert(database, _documents(path, service))
    except (DatabaseUnavailable, BulkWriteError) as error:
        refused = isinstance(error, BulkWriteError)
        raise NoBackup(
            "only a part was restored:"
            f" {'MongoDB does not take a document' if refused else error};"
            f" drop the database {database.name} before you try again"
        ) from None
    return number


async def _insert(
    database: AsyncDatabase[Document], read: Iterator[tuple[str, RawBSONDocument]]
) -> None:
    """Insert documents, each of which comes with the name of its collection.

    Raises:
        BulkWriteError: MongoDB does not take one of them.
        DatabaseUnavailable
    """
    with reachable(), unlimited():
        while batch := list(islice(read, _BATCH)):
            for name in {name for name, _ in batch}:
                same = [document for each, document in batch if each == name]
                await database.get_collection(name, _AS_IT_IS).insert_many(same)
        # NOTE: what a Redis keeps of the data that were copied must not be taken for these.
        await database["Deployment"].update_many({}, {"$set": {"id": secrets.token_hex(8)}})


async def _collections(database: AsyncDatabase[Document], service: str) -> list[str]:
    """Return what is copied, the resources last.

    So of an array that is being created when the copy begins the intent is there, and where the
    copy has only a part of it, that is taken back, as after a crash.
    """
    names = set(await database.list_collection_names()) - _PASSING
    return sorted(names, key=lambda name: (name == service.capitalize(), name))


def _documents(path: Path, service: str) -> Iterator[tuple[str, RawBSONDocument]]:
    """Yield the documents of a backup, each with the name of its collection.

    Raises:
        NoBackup, OSError
    """
    try:
        with gzip.open(path) as file:
            read = bson.decode_file_iter(cast("IO[bytes]", file), _AS_IT_IS)
            head: Mapping[str, Any] = next(read, {})
            if head.get("backup_of") != service:
                raise NoBackup(f"{path} is no backup of the service {service}")
            number, last = 0, head
            for last in read:
                if "collection" in last:
                    number += 1
                    yield last["collection"], last["document"]
            if last.get("documents") != number:
                raise NoBackup(f"{path} is no whole backup: it ends too early")
    except (BSONError, EOFError, gzip.BadGzipFile, zlib.error):
        raise NoBackup(f"{path} is no whole backup") from None


async def _main(command: str, service: str, path: Path) -> int:
    settings = read_settings(_SETTINGS[service], os.environ)
    work = backup if command == "backup" else restore
    async with mongodb_uri(settings) as uri, connect(uri) as client:
        try:
            return await work(client[settings.mongodb_database], service, path)
        except OSError as error:
            raise NoBackup(f"{path} cannot be used: {error.strerror}") from None


def main() -> None:
    """Do it, and say how many documents that were; one line says why, where it cannot be done."""
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("command", choices=("backup", "restore"))
    parser.add_argument("--service", choices=sorted(_SETTINGS), required=True)
    parser.add_argument("--file", type=Path, required=True)
    given = parser.parse_args()
    try:
        number = asyncio.run(_main(given.command, given.service, given.file))
    except (
        DatabaseUnavailable,
        DataDirectoryFailure,
        InvalidSetting,
        MongoDBFailure,
        NoBackup,
    ) as failure:
        sys.exit(f"{given.command} failed: {failure}")
    what = "copied to" if given.command == "backup" else "restored from"
    print(f"{number} documents of {given.service} were {what} {given.file}")


if __name__ == "__main__":
    command_line.run(main)
