"""The events service's application: the only place where its parts are wired together."""

from __future__ import annotations

from pymongo import AsyncMongoClient

from events_microservice.models.event import Event
from events_microservice.models.event_dator import EventDator
from events_microservice.resources.event_resource import EventResource
from events_microservice.resources.events_resource import EventsResource
from events_microservice.settings import Settings
from microservice_chassis.application import (
    Application,
    application_or_exit,
    create_application,
)
from microservice_chassis.cache import CoherentCache
from microservice_chassis.database import Document, connect
from microservice_chassis.schema import Schema
from microservice_chassis.stamps import SharedStamps


def create_app(settings: Settings, client: AsyncMongoClient[Document] | None = None) -> Application:
    """Return the ASGI application for these settings; nothing is connected yet."""
    if client is None:
        client = connect(settings.mongodb_uri)
    cache = CoherentCache(settings.cache_type, settings.cache_timeout, SharedStamps())
    schema = Schema(Event, {"timezone": settings.default_timezone})
    dator = EventDator(client[settings.mongodb_database]["Events"], schema, cache.stamps)
    return create_application(
        "/events", client, cache, EventsResource(dator, schema), EventResource(dator, schema)
    )


def __getattr__(name: str) -> Application:
    """Make `application` when a server asks for it, so that importing this module does nothing."""
    if name == "application":
        return application_or_exit(create_app, Settings)
    raise AttributeError(name)
