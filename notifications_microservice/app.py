"""The application of the notifications service: which parts it is made of."""

from __future__ import annotations

from pymongo import AsyncMongoClient

from microservice_chassis.application import Application, application_or_exit, create_application
from microservice_chassis.database import Document
from microservice_chassis.schema import Schema
from notifications_microservice.models.notification import Notification
from notifications_microservice.models.notification_dator import NotificationDator
from notifications_microservice.resources.notification_resource import NotificationResource
from notifications_microservice.resources.notifications_resource import NotificationsResource
from notifications_microservice.settings import Settings


def create_app(settings: Settings, client: AsyncMongoClient[Document] | None = None) -> Application:
    """Return the ASGI application for these settings; nothing is connected yet."""
    return create_application(
        "notifications",
        Schema(Notification),
        NotificationDator,
        NotificationsResource,
        NotificationResource,
        settings,
        client,
    )


def __getattr__(name: str) -> Application:
    """Make `application` when a server asks for it, so that importing this module does nothing."""
    if name == "application":
        return application_or_exit(create_app, Settings)
    raise AttributeError(name)
