"""The application of the bookmarks service: which parts it is made of."""

from __future__ import annotations

from typing import Unpack

from microservice_chassis.application import (
    Collaborators,
    application_attribute,
    create_application,
    create_parts,
)
from microservice_chassis.edge.asgi import Application
from microservice_chassis.settings import DatabaseName, DataDirectory, ServiceSettings
from tests.bookmarks.bookmark import BookmarkDator
from tests.bookmarks.resources import BookmarkResource, BookmarksResource


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What the bookmarks service can be told."""

    mongodb_database: DatabaseName = "BookmarksMicroservice"
    data_dir: DataDirectory = ".eventpost/bookmarks"


def create_app(settings: Settings, **collaborators: Unpack[Collaborators]) -> Application:
    """Return the ASGI application for these settings; nothing is connected yet."""
    parts = create_parts(settings, BookmarkDator, **collaborators)
    return create_application(parts, BookmarksResource, BookmarkResource)


__getattr__ = application_attribute(create_app, Settings)
