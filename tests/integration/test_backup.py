"""A backup has every document as it is, and is restored as a whole or not at all."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from bson import encode
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.database import AsyncDatabase

from development.backup import NoBackup, backup, restore
from microservice_chassis.storage.client import Document
from tests.databases import drop
from tests.examples import EVENT
from tests.odd_documents import odd_document

RAW: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)

# A text that is no UTF-8, which no driver reads.
BROKEN = encode({"_id": 1, "title": "Jazz"}).replace(b"Jazz", b"J\xffzz")


async def stored(database: AsyncDatabase[Document], name: str) -> list[bytes]:
    found: Any = database.get_collection(name, RAW).find(sort=[("_id", 1)])
    return [each.raw async for each in found]


@pytest.fixture
async def filled(database: AsyncDatabase[Document]) -> AsyncDatabase[Document]:
    """A database with more documents than are inserted at once, in several collections."""
    dice = random.Random(13)
    documents = [odd_document(dice, EVENT, oddity=0.3) for _ in range(2_500)]
    await database["Events"].insert_many(documents)
    await database.get_collection("Events", RAW).insert_one(RawBSONDocument(BROKEN))
    await database["Intents"].insert_one({"_id": {"owner": None, "key": "a"}})
    await database["Deployment"].insert_one({"_id": "Events", "id": "first", "form": 3})
    await database["UnstampedWrites"].insert_one({"_id": 1})
    return database


async def test_every_document_is_the_same_to_the_byte(
    filled: AsyncDatabase[Document], tmp_path: Path
) -> None:
    file = tmp_path / "events.bson.gz"
    assert await backup(filled, "events", file) == 2_503
    other = filled.client[f"test-{uuid4()}"]
    try:
        assert await restore(other, "events", file) == 2_503
        assert set(await other.list_collection_names()) == {"Deployment", "Events", "Intents"}
        for name in ("Events", "Intents"):
            assert await stored(other, name) == await stored(filled, name)
        # These are other data now, for whoever keeps answers under the id of theirs.
        deployment = await other["Deployment"].find_one({"_id": "Events"})
        assert deployment
        assert deployment.pop("id") != "first"
        assert deployment == {"_id": "Events", "form": 3}
    finally:
        await drop(filled.client, other.name)
    assert [(each.name, each.stat().st_mode & 0o777) for each in tmp_path.iterdir()] == [
        (file.name, 0o600)
    ]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "the file is cut off": lambda content: content[: len(content) // 2],
    "a byte is another one": lambda content: content[:-6] + b"xx" + content[-4:],
    "documents are missing": lambda content: gzip.compress(gzip.decompress(content)[:-24]),
    "a document is cut off": lambda content: gzip.compress(gzip.decompress(content)[:-30]),
    "it is empty": lambda _: b"",
    "it is something else": lambda _: b'{"title": "Jazz"}\n',
    "it is compressed, and something else": lambda _: gzip.compress(b"Jazz night" * 9),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_file_that_is_no_whole_backup_is_refused_before_anything_is_restored(
    database: AsyncDatabase[Document], tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "events.bson.gz"
    await database["Events"].insert_many([{"number": each} for each in range(50)])
    await backup(database, "events", file)
    await database["Events"].drop()
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    with pytest.raises(NoBackup, match="is no"):
        await restore(database, "events", file)
    assert await database.list_collection_names() == []


async def test_a_backup_of_the_other_service_is_refused(
    database: AsyncDatabase[Document], tmp_path: Path
) -> None:
    file = tmp_path / "notifications.bson.gz"
    assert await backup(database, "notifications", file) == 0
    with pytest.raises(NoBackup, match="no backup of the service events"):
        await restore(database, "events", file)
    assert await restore(database, "notifications", file) == 0


async def test_nothing_is_restored_to_where_something_is(
    filled: AsyncDatabase[Document], tmp_path: Path
) -> None:
    file = tmp_path / "events.bson.gz"
    await backup(filled, "events", file)
    before = await stored(filled, "Events")
    with pytest.raises(NoBackup, match="not empty, it has Deployment, Events, Intents"):
        await restore(filled, "events", file)
    assert await stored(filled, "Events") == before


async def test_where_only_a_part_can_be_restored_it_says_so(
    database: AsyncDatabase[Document], tmp_path: Path
) -> None:
    file = tmp_path / "events.bson.gz"
    documents = [{"collection": "Events", "document": {"_id": each}} for each in (1, 2, 1)]
    parts: list[dict[str, Any]] = [{"backup_of": "events"}, *documents, {"documents": 3}]
    file.write_bytes(gzip.compress(b"".join(encode(each) for each in parts)))
    with pytest.raises(NoBackup, match=r"only a part .*: MongoDB does not take a document; drop"):
        await restore(database, "events", file)
