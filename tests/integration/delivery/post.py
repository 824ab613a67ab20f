"""A collection of notifications, and one who delivers them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.storage.client import Document
from microservice_chassis.storage.deployment import Deployment
from microservice_chassis.storage.identifiers import Identifiers, ProcessFloor
from notifications_microservice.models.claims import Batch, Claims
from notifications_microservice.models.notification import Notification
from notifications_microservice.models.notification_dator import NotificationDator
from tests.examples import NOTIFICATION
from tests.remembered_stamps import RememberedStamps

DAY_S = 86_400


class Post:
    """A collection of notifications, and one who delivers them."""

    def __init__(
        self,
        database: AsyncDatabase[Document],
        dator_class: type[NotificationDator] = NotificationDator,
    ) -> None:
        self.stamps = RememberedStamps()
        self.dator = dator_class(
            database,
            Deployment(database, "notifications", {}),
            self.stamps,
            Identifiers(ProcessFloor()),
        )
        self.claims: Claims = self.dator.claims()

    async def create(self, number: int = 1, *, ago_s: float = 1.0, **members: str) -> list[str]:
        """Create notifications that have been due for so long, and return their ids."""
        moment = datetime.now(UTC) - timedelta(seconds=ago_s)
        document = {**NOTIFICATION, **members, "scheduled_time": moment.isoformat()}
        resource = self.dator.schema.parse(document)
        return [(await self.dator.insert(resource)).resource.id for _ in range(number)]

    async def claim(self, limit: int = 100, missed_after_s: int = DAY_S) -> Batch:
        due = (await self.claims.waiting(limit)).due
        return await self.claims.claim(due, f"{secrets.token_hex(4)}.1", missed_after_s)

    async def document(self, identifier: str) -> Document:
        found = await self.dator.collection.find_one({"_id": ObjectId(identifier)})
        assert found
        return found

    async def lease_ends(self) -> None:
        """Let all leases end, by MongoDB's clock."""
        past = datetime.now(UTC) - timedelta(seconds=1)
        await self.dator.collection.update_many({"status": "sending"}, {"$set": {"due_at": past}})

    async def notification(self, identifier: str) -> Notification:
        return (await self.dator.find(identifier)).resource

    async def statuses(self) -> list[str]:
        """The status of each, in the order of creation."""
        found = self.dator.collection.find({}, {"status": 1}).sort("_id")
        return [each["status"] async for each in found]

    async def record(self, identifier: str, **recorded: Any) -> None:
        """Record something of a notification, as another program may."""
        await self.dator.collection.update_one({"_id": ObjectId(identifier)}, {"$set": recorded})
