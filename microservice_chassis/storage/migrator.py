"""The migrator: brings the documents of one collection into today's form, behind the service.

A document is written only if it is still what was read, and once it is in today's form nobody
looks at it again. Therefore a migration may be killed at any point and goes on from there, and
several containers may run it at once; a lease spares them the work of doing so.
While it runs, every read is right: documents of all forms are read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Generic, NamedTuple, TypeVar, cast

from pymongo import UpdateOne

from microservice_chassis.errors import (
    DatabaseRefusal,
    DatabaseTooNew,
    DatabaseUnavailable,
    UnreadableResource,
)
from microservice_chassis.schema.schema import Resource
from microservice_chassis.storage.client import (
    OPERATION_TIMEOUT_MS,
    Document,
    reachable,
    unlimited,
)
from microservice_chassis.storage.codec import EARLIER_FORMS, FORM, DocumentCodec
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.index_builds import IndexBuilds
from microservice_chassis.storage.lease import Lease
from microservice_chassis.storage.migrations import (
    MIGRATIONS,
    Step,
    index_of_form,
    name_of_index,
)
from microservice_chassis.storage.raw_bson import RAW_OPTIONS, split
from microservice_chassis.storage.server_clock import ServerClock, in_time
from microservice_chassis.storage.unreadable import Unreadable
from microservice_chassis.storage.version_stamps import VersionStamps

M = TypeVar("M", bound=Resource)

# How many documents are read and written at once: little enough to let requests in between.
_BATCH = 100
_PROGRESS_S = 5.0

# After how long it is tried again, where MongoDB is away or another process is at it.
_RETRY_S = 2.0

_logger = logging.getLogger(__name__)


class Survey(NamedTuple):
    """How many documents wait for a migration, and which of all cannot be read."""

    waiting: int
    unreadable: Unreadable


class Migrator(Generic[M]):
    """Brings the documents of one collection into today's form."""

    def __init__(
        self,
        dator: Dator[M],
        stamps: VersionStamps,
        refuse: Callable[[DatabaseTooNew], None],
    ) -> None:
        """`refuse` is told of a database that only a newer version can serve."""
        self._dator = dator
        self._refuse = refuse
        self._stamps = stamps
        self._clock = ServerClock.of(dator.collection.database.client)
        self._documents = dator.collection.with_options(codec_options=RAW_OPTIONS)
        self._lease = Lease(dator.deployment.records, dator.collection.name, "migration")
        self._index_builds = IndexBuilds(dator.collection, dator.name, self._lease)
        self._refused = False
        # How many documents this process has still to bring into today's form, as far as it knows.
        self.to_go = 0
        # When this was made, before the workers were forked, in seconds since the epoch.
        self._made_s = time.time()

    async def work(self) -> float | None:
        """Migrate; return after how many seconds to try again, or None where it is through.

        It is tried again where MongoDB is away or another process is at it.
        """
        try:
            return None if await self.run() else _RETRY_S
        except DatabaseUnavailable:
            return _RETRY_S  # a request that needs it is told so
        except DatabaseTooNew as error:
            self._refuse(error)
            return None

    async def close(self) -> None:
        """Leave the rest to another process, or to the next start."""

    async def until_through(self) -> None:
        """Migrate until there is nothing left to do."""
        while (pause_s := await self.work()) is not None:
            await asyncio.sleep(pause_s)

    async def run(self) -> bool:
        """Migrate what there is, and return False where another process is at it.

        Raises:
            DatabaseUnavailable: MongoDB went away; what has been done is done.
            DatabaseTooNew: there is nothing that this version could do.
        """
        await self._dator.codec()
        if not await self._lease.claim():
            return False
        try:
            return await self._migrate_all()
        except DatabaseRefusal as refusal:
            if not self._refused:
                self._refused = True
                _logger.warning("%s: the migration cannot go on: %s", self._dator.name, refusal)
            raise
        finally:
            self.to_go = 0
            await self._lease.release()

    async def survey(self) -> Survey:
        """Change nothing; return how many documents wait, and which of all cannot be read.

        Raises:
            DatabaseUnavailable
        """
        codec = DocumentCodec(self._dator.schema, await self._dator.deployment.defaults())
        waiting, unreadable = 0, Unreadable()
        async for batch in self._batches({}):
            for raw in batch:
                try:
                    waiting += codec.read(raw).form < FORM
                except UnreadableResource as error:
                    unreadable.add(raw, error)
        return Survey(waiting, unreadable)

    async def _migrate_all(self) -> bool:
        collection = self._dator.collection
        await self._index_builds.create([index_of_form(each) for each in EARLIER_FORMS])
        what = f"{self._dator.name}: migration {MIGRATIONS[-1].number}"
        unreadable = Unreadable()
        if await self._is_done_by_another(await self._waiting()):
            return True
        while (waiting := await self._waiting()) > unreadable.count:
            _logger.info("%s (%s): %d documents to go", what, MIGRATIONS[-1].what, waiting)
            progress = _Progress(what, waiting)
            self.to_go = waiting
            unreadable = Unreadable()
            for form in EARLIER_FORMS:
                async for batch in self._batches({"form": form}):
                    if not await self._lease.hold():
                        return False
                    progress.add(await self._migrate(batch, unreadable))
                    self.to_go = max(waiting - progress.done, 0)
            progress.end()
            if not progress.done:
                break
        self._name(unreadable)
        await self._dator.deployment.make_searchable()
        # NOTE: behind the documents: to build an index costs less than to change it each time.
        await self._index_builds.build(self._dator.indexes)
        with reachable():
            done = {"at_s": time.time(), "left": unreadable.count}
            await self._dator.deployment.records.update_one(
                {"_id": collection.name}, {"$set": {"migrated": done}}
            )
        return True

    async def _is_done_by_another(self, waiting: int) -> bool:
        """Whether another worker has left only these since this service was started."""
        since = {"migrated.at_s": {"$gte": self._made_s}, "migrated.left": waiting}
        with reachable():
            records = self._dator.deployment.records
            return bool(await records.find_one({"_id": self._dator.collection.name, **since}))

    async def _waiting(self) -> int:
        with unlimited(), reachable():
            counts = [
                await self._dator.collection.count_documents(
                    {"form": form}, hint=name_of_index(form)
                )
                for form in EARLIER_FORMS
            ]
        return sum(counts)

    async def _batches(self, query: Document) -> AsyncIterator[list[bytes]]:
        """Yield the documents that match, in batches; they may change meanwhile."""
        found = self._documents.find_raw_batches(query, sort=[("_id", 1)], batch_size=_BATCH)
        with reachable():
            # NOTE: PyMongo's annotation says documents; these are the bytes of many in a row.
            async for batch in found:
                yield split(cast("bytes", batch))

    async def _migrate(self, batch: list[bytes], unreadable: Unreadable) -> int:
        """Migrate what can be read, add to what cannot, and return how many have been migrated."""
        codec = await self._dator.codec()
        steps: list[Step] = []
        for raw in batch:
            try:
                steps.append(Step.of(raw, codec))
            except UnreadableResource as error:
                unreadable.add(raw, error)
        if not steps:
            return 0
        revised = [f"{self._dator.name}/{step.condition['_id']}" for step in steps if step.revised]
        async with self._stamps.change(self._dator.name, *revised) as change:
            with reachable():
                migrated = await self._write(steps)
            change.made = bool(revised)
        return migrated

    async def _write(self, steps: list[Step]) -> int:
        """Write what is still as it was read, in time or never; return how many are written.

        Raises:
            DatabaseUnavailable: it came too late.
        """
        deadline = self._clock.at(time.monotonic() + OPERATION_TIMEOUT_MS / 1000)
        result = await self._dator.collection.bulk_write(
            [
                UpdateOne({**step.condition, **in_time(deadline)}, {"$set": step.values})
                for step in steps
            ],
            ordered=False,
        )
        if result.matched_count < len(steps):
            records = self._dator.deployment.records
            now = await self._clock.read(records, self._dator.collection.name)
            if now is None or now >= deadline:
                raise DatabaseUnavailable("a part of a migration came too late")
        return result.matched_count

    def _name(self, unreadable: Unreadable) -> None:
        for each in unreadable.named:
            _logger.warning("%s/%s", self._dator.name, each)
        if unreadable.unnamed:
            _logger.warning("and %d more", unreadable.unnamed)


class _Progress:
    """What the log says of a migration while it goes on."""

    def __init__(self, what: str, waiting: int) -> None:
        self.done = 0
        self._what = what
        self._waiting = waiting
        self._said_s = time.monotonic()

    def add(self, documents: int) -> None:
        self.done += documents
        if time.monotonic() > self._said_s + _PROGRESS_S:
            self._said_s = time.monotonic()
            _logger.info("%s: %d of %d documents", self._what, self.done, self._waiting)

    def end(self) -> None:
        _logger.info("%s is through: %d documents", self._what, self.done)
