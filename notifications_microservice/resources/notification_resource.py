"""/notifications/{id}: one notification."""

from __future__ import annotations

from microservice_chassis.http.item import ItemResource
from notifications_microservice.models.notification import Notification


class NotificationResource(ItemResource[Notification]):
    """Read, replace, change and delete one notification."""

    template = "/notifications/{id}"
