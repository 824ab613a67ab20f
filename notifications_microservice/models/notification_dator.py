"""NotificationDator: the notifications collection."""

from __future__ import annotations

from contextlib import suppress

from microservice_chassis.database import Document
from microservice_chassis.dator import Dator
from microservice_chassis.scalars import instant
from notifications_microservice.models.notification import Notification


class NotificationDator(Dator[Notification]):
    """The notifications.

    The original EventPost kept `scheduled_time` in the form in which it came;
    one that cannot be understood is answered as it is.
    """

    def _answered(self, members: Document) -> Document:
        with suppress(ValueError):
            members["scheduled_time"] = instant(members["scheduled_time"])
        return members
