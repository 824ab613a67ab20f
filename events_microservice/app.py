"""The application of the events service: which parts it is made of."""

from __future__ import annotations

from pymongo import AsyncMongoClient

from events_microservice.models.event import Event
from events_microservice.models.event_dator import EventDator
from events_microservice.resources.event_resource import EventResource
from events_microservice.resources.events_resource import EventsResource
from events_microservice.settings import Settings
from microservice_chassis.application import Application, application_or_exit, create_application
from microservice_chassis.database import Document
from microservice_chassis.schema import Schema


def create_app(settings: Settings, client: AsyncMongoClient[Document] | None = None) -> Application:
    """Return the ASGI application for these settings; nothing is connected yet."""
    return create_application(
        "events",
        Schema(Event, {"timezone": settings.default_timezone}),
        EventDator,
        EventsResource,
        EventResource,
        settings,
        client,
    )


def __getattr__(name: str) -> Application:
    """Make `application` when a server asks for it, so that importing this module does nothing."""
    if name == "application":
        return application_or_exit(create_app, Settings)
    raise AttributeError(name)
