"""The notifications service's application: the only place where its parts are wired together."""

from __future__ import annotations

from pymongo import AsyncMongoClient

from microservice_chassis.application import (
    Application,
    application_or_exit,
    create_application,
)
from microservice_chassis.cache import CoherentCache
from microservice_chassis.database import Document, connect
from microservice_chassis.schema import Schema
from microservice_chassis.stamps import SharedStamps
from notifications_microservice.models.notification import Notification
from notifications_microservice.models.notification_dator import NotificationDator
from notifications_microservice.resources.notification_resource import NotificationResource
from notifications_microservice.resources.notifications_resource import NotificationsResource
from notifications_microservice.settings import Settings


def create_app(settings: Settings, client: AsyncMongoClient[Document] | None = None) -> Application:
    """Return the ASGI application for these settings; nothing is connected yet."""
    if client is None:
        client = connect(settings.mongodb_uri)
    cache = CoherentCache(settings.cache_type, settings.cache_timeout, SharedStamps())
    schema = Schema(Notification)
    dator = NotificationDator(
        client[settings.mongodb_database]["Notifications"], schema, cache.stamps
    )
    return create_application(
        "/notifications",
        client,
        cache,
        NotificationsResource(dator, schema),
        NotificationResource(dator, schema),
    )


def __getattr__(name: str) -> Application:
    """Make `application` when a server asks for it, so that importing this module does nothing."""
    if name == "application":
        return application_or_exit(create_app, Settings)
    raise AttributeError(name)
