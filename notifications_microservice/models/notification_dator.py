"""NotificationDator: the notifications collection."""

from __future__ import annotations

from microservice_chassis.storage.dator import Dator
from notifications_microservice.models.notification import Notification


class NotificationDator(Dator[Notification]):
    """The notifications; `scheduled_time` is kept as a BSON date."""

    name = "notifications"
    model = Notification
