"""The application of the events service: which parts it is made of."""

from __future__ import annotations

from typing import Unpack

from events_microservice.models.event import Event
from events_microservice.models.event_dator import EventDator
from events_microservice.resources.event_resource import EventCalendarResource, EventResource
from events_microservice.resources.events_resource import EventsCalendarResource, EventsResource
from events_microservice.settings import Settings
from microservice_chassis.application import (
    Collaborators,
    Parts,
    Service,
    application_attribute,
    create_application,
    create_parts,
)


def create_app(settings: Settings, **collaborators: Unpack[Collaborators]) -> Service:
    """Return the ASGI application for these settings; nothing is connected yet."""
    parts = create_service(settings, **collaborators)
    calendars = (EventsCalendarResource, EventCalendarResource)
    return create_application(
        parts, EventsResource, EventResource, *calendars, public_read=settings.public_read
    )


def create_service(settings: Settings, **collaborators: Unpack[Collaborators]) -> Parts[Event]:
    """Return what stands behind the HTTP of the service."""
    defaults = {"timezone": settings.default_timezone}
    return create_parts(settings, EventDator, defaults=defaults, **collaborators)


# `application` is made when a server asks for it, so that importing this module does nothing.
__getattr__ = application_attribute(create_app, Settings)
