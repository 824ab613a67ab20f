"""/notifications: all notifications."""

from __future__ import annotations

from microservice_chassis.http.collection import CollectionResource
from notifications_microservice.models.notification import Notification


class NotificationsResource(CollectionResource[Notification]):
    """List the notifications, and create one."""

    template = "/notifications"
