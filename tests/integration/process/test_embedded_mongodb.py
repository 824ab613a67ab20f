from __future__ import annotations

import asyncio
import importlib.util
import stat
from pathlib import Path

import pytest

from microservice_chassis.process.embedded_mongodb import (
    EmbeddedMongoDB,
    MongoDBFailure,
    find_mongod,
)
from microservice_chassis.process.run_directory import DataDirectoryFailure, RunDirectory
from microservice_chassis.storage.client import connect


def script(directory: Path, text: str) -> None:
    """Put a program of that name and text where PATH leads."""
    mongod = directory / "mongod"
    mongod.write_text(f"#!/bin/sh\n{text}\n")
    mongod.chmod(0o755)


async def write_and_read(directory: Path) -> int:
    with RunDirectory(directory) as run, EmbeddedMongoDB(run) as mongodb:
        await mongodb.start()
        async with connect(mongodb.uri) as client:
            await client["test"]["test"].insert_one({})
            count = await client["test"]["test"].count_documents({})
        await mongodb.stop()
    return count


async def test_data_stays_from_one_start_to_the_next(tmp_path: Path) -> None:
    assert await write_and_read(tmp_path) == 1
    assert await write_and_read(tmp_path) == 2


async def test_nobody_else_can_enter_and_there_is_no_port(mongodb: EmbeddedMongoDB) -> None:
    async with connect(mongodb.uri) as client:
        options = (await client.admin.command("getCmdLineOpts"))["parsed"]
    path = Path(options["net"]["bindIp"])
    assert path.is_socket()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("cache_mb", [256, 1000])
async def test_its_cache_is_as_large_as_it_is_told(tmp_path: Path, cache_mb: int) -> None:
    with RunDirectory(tmp_path) as run, EmbeddedMongoDB(run, cache_mb=cache_mb) as mongodb:
        await mongodb.start()
        async with connect(mongodb.uri) as client:
            status = await client.admin.command("serverStatus")
        await mongodb.stop()
    assert status["wiredTiger"]["cache"]["maximum bytes configured"] == cache_mb << 20


async def test_a_path_too_long_for_a_socket_is_no_hindrance(tmp_path: Path) -> None:
    assert await write_and_read(tmp_path / ("x" * 100)) == 1


async def test_writes_are_acknowledged_from_the_journal(mongodb: EmbeddedMongoDB) -> None:
    async with connect(mongodb.uri) as client:
        assert client.write_concern.document == {"w": "majority", "j": True}


def test_a_mongod_on_the_path_is_taken_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_mongod() == str(tmp_path / "mongod")


@pytest.mark.parametrize("package", [None, ModuleNotFoundError()])
def test_without_any_mongod_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: ModuleNotFoundError | None
) -> None:
    def find_spec(_: str) -> None:
        if package:
            raise package

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    with pytest.raises(MongoDBFailure, match="set MONGODB_URI"):
        find_mongod()


async def test_a_mongod_that_does_not_answer_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "trap '' TERM; while :; do sleep 0.1; done")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with RunDirectory(tmp_path / "data") as run, EmbeddedMongoDB(run, 0.2, 0.2) as mongodb:
        with pytest.raises(MongoDBFailure, match="did not answer"):
            await mongodb.start()
        assert await mongodb.wait() == -9


async def test_a_mongod_that_cannot_use_its_data_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "mongodb").mkdir()
    (tmp_path / "mongodb" / "storage.bson").write_bytes(b"nothing of a MongoDB's")
    with (
        RunDirectory(tmp_path) as run,
        EmbeddedMongoDB(run) as mongodb,
        pytest.raises(MongoDBFailure) as caught,
    ):
        await mongodb.start()
    said = str(caught.value)
    assert f"at its start on DATA_DIR='{tmp_path}' (" in said
    assert (
        "(Unable to read the storage engine metadata file): mend that, or set MONGODB_URI" in said
    )


async def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "mongodb").touch()
    with (
        RunDirectory(tmp_path) as run,
        EmbeddedMongoDB(run) as mongodb,
        pytest.raises(DataDirectoryFailure, match=r"DATA_DIR=.* cannot be used: File exists"),
    ):
        await mongodb.start()


async def test_the_log_is_rotated_at_the_start_and_by_size(tmp_path: Path) -> None:
    old, older, current = (tmp_path / f"mongod.log{end}" for end in (".1", ".2", ""))
    current.write_text("before")
    old.write_text("long before")
    older.write_text("too long before")
    with (
        RunDirectory(tmp_path) as run,
        # What it logs at its start is more than that.
        EmbeddedMongoDB(run, log_limit_bytes=8000, log_interval_s=0.01) as mongodb,
    ):
        await mongodb.start()
        assert (old.read_text(), older.read_text()) == ("before", "long before")
        bounding = asyncio.create_task(mongodb.wait())
        async with asyncio.timeout(30):
            while older.read_text() != "before" or not current.exists():
                await asyncio.sleep(0.01)
        bounding.cancel()
        await mongodb.stop()
    assert '"msg":"MongoDB starting"' in old.read_text()
    assert len(list(tmp_path.glob("mongod.log*"))) == 3


async def test_a_mongod_that_ends_without_a_word_is_traced_to_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with RunDirectory(tmp_path / "data") as run, EmbeddedMongoDB(run) as mongodb:
        with pytest.raises(MongoDBFailure, match=r"its log is .*mongod\.log"):
            await mongodb.start()
        await mongodb.stop()
