"""NotificationDator: the notifications collection."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any, ClassVar

from microservice_chassis.schema.patch import Patch
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.codec import Stored
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.refusals import Refusal
from microservice_chassis.storage.server_clock import ServerClock
from notifications_microservice.models.claims import Claims
from notifications_microservice.models.figures import FiguresRecord
from notifications_microservice.models.hints import LONGEST_SLEEP_S, Hints
from notifications_microservice.models.notification import Notification


def _of_status(status: str) -> Document:
    # NOTE: a query for a value finds arrays that have it, too; those are no status.
    return {"status": {"$eq": status, "$not": {"$type": "array"}}}


_SENDING = Refusal(
    _of_status("sending"),
    "The notification is being sent; it can be changed or deleted once its status is another one.",
)
_SENT = Refusal(
    _of_status("sent"),
    "The notification has been sent; it can only be deleted. POST creates another one.",
)


class NotificationDator(Dator[Notification]):
    """The notifications; `scheduled_time` is kept as a BSON date.

    Beside the members a document has what the delivery goes by; `claims` says what.
    """

    name = "notifications"
    model = Notification

    # One that nobody has tried to send: its `due_at` is its `scheduled_time`.
    plain: ClassVar[Document] = {"status": "pending", "attempts": 0}

    unchangeable = (_SENDING, _SENT)
    undeletable = (_SENDING,)

    def __init__(self, *parts: Any, ring: Callable[[], bool] = lambda: False, **more: Any) -> None:
        """`ring` wakes those who deliver on this machine, and returns whether there is one."""
        super().__init__(*parts, **more)
        self.hints = Hints(self.collection.database)
        self._ring = ring
        self._clock = ServerClock.of(self.collection.database.client)

    def claims(self) -> Claims:
        """Return the claims of one who delivers."""
        return Claims(self._raw, self._writer, self._bulkhead, self.codec)

    def figures(self) -> FiguresRecord:
        """Return the figures of the delivery."""
        return FiguresRecord(self.collection)

    async def insert(self, resource: Notification) -> Stored[Notification]:
        """Create a notification."""
        return await self._told(await super().insert(resource))

    async def replace(
        self, identifier: str, resource: Notification, expected: Collection[int] | None = None
    ) -> Stored[Notification]:
        """Give a notification new values for all its members."""
        return await self._told(await super().replace(identifier, resource, expected))

    async def patch(
        self, identifier: str, patch: Patch, expected: Collection[int] | None = None
    ) -> Stored[Notification]:
        """Give a notification new values for some of its members."""
        return await self._told(await super().patch(identifier, patch, expected))

    async def _told(self, stored: Stored[Notification]) -> Stored[Notification]:
        """Tell those who deliver of one that is due before they would look for it."""
        soon = self._clock.at(time.monotonic()) + timedelta(seconds=LONGEST_SLEEP_S + 1)
        is_due_soon = stored.resource.scheduled_time < soon
        if is_due_soon and stored.resource.status == "pending" and not self._ring():
            await self.hints.give()
        return stored
