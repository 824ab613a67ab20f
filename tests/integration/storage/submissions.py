"""Submissions as HTTP makes them, of events that are told apart by their titles; and cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.storage.client import Document
from microservice_chassis.storage.codec import Stored
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.insertion import Submission
from tests.examples import EVENT
from tests.kinds import EVENTS
from tests.paused_driver import PausedDriver, Stop

KEY = "a key"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def submission(count: int, key: str | None = KEY, **members: Any) -> Submission[Any]:
    """One of so many events, all of which have these members beside their titles."""
    schema = EVENTS.dator_class.model
    documents = [{**EVENT, **members, "title": str(number)} for number in range(count)]

    async def resources(_defaults: Mapping[str, Any]) -> list[Any]:
        return [schema(**{**each, "location": None}) for each in documents]

    return Submission(key, blake2b(str(documents).encode()).digest(), resources)


class Worker:
    """A worker of the events service whose calls can be held up, and who can be killed."""

    def __init__(self, database: AsyncDatabase[Document], held: str) -> None:
        """`held` is the collection whose calls can be."""
        self.driver = PausedDriver(database.client, held)
        self.dator: Dator[Any] = EVENTS.dator(self.driver[database.name])  # type: ignore[arg-type]
        self.stop: Stop

    async def begin(self, submission: Submission[Any], *, writes: int) -> asyncio.Task[Any]:
        """Begin a request, and let it stop in front of its next write after so many."""
        task = asyncio.create_task(self.dator.create(submission))
        self.driver.behind = self.stop = Stop()
        if not writes:
            self.driver.behind, self.driver.before = None, self.stop
        for number in range(1, writes + 1):
            await self.stop.until_reached()
            before, self.stop = self.stop, Stop()
            if number == writes:
                self.driver.behind, self.driver.before = None, self.stop
            else:
                self.driver.behind = self.stop
            before.open()
        await self.stop.until_reached()
        return task

    def go_on(self) -> None:
        """Let what was stopped go on, to its end."""
        self.driver.before = self.driver.behind = None
        self.stop.open()

    async def die_over(self, submission: Submission[Any], *, writes: int) -> None:
        """Be killed after so many writes to the collection that is held."""
        task = await self.begin(submission, writes=writes)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self.driver.before = self.driver.behind = None


async def lapse(database: AsyncDatabase[Document]) -> None:
    """Let the leases of all workers lapse, as time does when they have gone."""
    held = {"worker": {"$exists": True}}
    await database["Intents"].update_many(held, {"$set": {"worker.until": LONG_AGO}})


async def events(database: AsyncDatabase[Document]) -> list[Document]:
    return await database["Events"].find().sort("_id").to_list()


def ids(created: list[Stored[Any]]) -> list[str]:
    return [each.resource.id for each in created]
