"""An events service on many events of earlier versions, which it migrates when it starts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import quote_plus

from pymongo import MongoClient
from pymongo.database import Database

from events_microservice.models.event_dator import EventDator
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.process.run_directory import RunDirectory
from tests.performance.search_data import Event, documents
from tests.process_tree import wait_for
from tests.services import Service, service

CACHE_MB = 1024

# For a million events on a machine that is busy with other things.
_DEADLINE_S = 3600

_BATCH = 1000


class Preparation(NamedTuple):
    """What it took until every search was possible, in seconds, and what there is then, in MB."""

    loading_s: float
    migration_s: float
    indexes_s: float
    documents_mb: float
    indexes_mb: float


class SearchedService(NamedTuple):
    """A service whose events can be searched, and its MongoDB."""

    events: Service
    data_dir: Path
    number: int
    preparation: Preparation
    mongodb: MongoClient[Event]

    @property
    def database(self) -> Database[Event]:
        return self.mongodb["EventsMicroservice"]


@contextmanager
def searched_service(data_dir: Path, number: int, log: IO[bytes]) -> Iterator[SearchedService]:
    """A service with that many events, once it has migrated them and built its indexes."""
    begun_s = time.monotonic()
    asyncio.run(_load(data_dir, number))
    loading_s = time.monotonic() - begun_s
    target = service(*("events", data_dir, log), CACHE_TYPE="null", EMBEDDED_CACHE_MB=str(CACHE_MB))
    with target.process:
        target.process.wait_until_ready()
        with MongoClient[Event](uri(data_dir), tz_aware=True) as mongodb:
            begun_s = time.monotonic()
            _wait_for(mongodb, {"searchable": {"$exists": True}})
            migrated_s = time.monotonic()
            _wait_for(mongodb, {"migrated": {"$exists": True}})
            built_s = time.monotonic()
            statistics = mongodb["EventsMicroservice"].command("collStats", "Events")
            preparation = Preparation(
                loading_s,
                migrated_s - begun_s,
                built_s - migrated_s,
                statistics["size"] / 1e6,
                statistics["totalIndexSize"] / 1e6,
            )
            yield SearchedService(target, data_dir, number, preparation, mongodb)


def uri(data_dir: Path) -> str:
    """Return the MONGODB_URI of the embedded MongoDB of a service that runs."""
    return f"mongodb://{quote_plus(str(data_dir / 'run' / 'mongodb.sock'))}"


def search_indexes() -> list[str]:
    """Return the names of the indexes that only searches and orders need."""
    return [str(index.document["name"]) for index in EventDator.indexes]


async def _load(data_dir: Path, number: int) -> None:
    """Write events of earlier versions into the MongoDB that a service will have."""
    with RunDirectory(data_dir) as run, EmbeddedMongoDB(run, cache_mb=CACHE_MB) as embedded:
        await embedded.start()
        with MongoClient[Event](embedded.uri) as client:
            events = client["EventsMicroservice"]["Events"]
            batch: list[Event] = []
            for document in documents(number, seed=number):
                batch.append(document)
                if len(batch) == _BATCH:
                    events.insert_many(batch)
                    batch = []
            if batch:
                events.insert_many(batch)
        await embedded.stop()


def _wait_for(mongodb: MongoClient[Event], state: dict[str, Any]) -> None:
    records = mongodb["EventsMicroservice"]["Deployment"]
    wait_for(lambda: records.find_one({"_id": "Events", **state}) is not None, _DEADLINE_S)
