"""The MongoDB of a service, for what works on its data whether it runs or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB, uri_of_running
from microservice_chassis.process.run_directory import DataDirectoryFailure, RunDirectory
from microservice_chassis.settings import ServiceSettings


@asynccontextmanager
async def mongodb_uri(settings: ServiceSettings) -> AsyncIterator[str]:
    """The MongoDB of a service: the one that is set, the running service's, or one of its data.

    Raises:
        DataDirectoryFailure: DATA_DIR cannot be used.
        MongoDBFailure: no `mongod` can be started on it.
    """
    if settings.mongodb_uri is not None:
        yield settings.mongodb_uri
        return
    run = RunDirectory(Path(settings.data_dir))
    with ExitStack() as parts:
        try:
            parts.enter_context(run)
        except DataDirectoryFailure:
            uri = uri_of_running(run.data_dir)
            if uri is None:
                raise
            yield uri
            return
        await run.lock_out_earlier_workers()
        mongodb = parts.enter_context(EmbeddedMongoDB(run, cache_mb=settings.embedded_cache_mb))
        try:
            await mongodb.start()
            yield mongodb.uri
        finally:
            await mongodb.stop()
