"""/bookmarks and /bookmarks/{id}."""

from __future__ import annotations

from microservice_chassis.http.collection import CollectionResource
from microservice_chassis.http.item import ItemResource
from tests.bookmarks.bookmark import Bookmark


class BookmarksResource(CollectionResource[Bookmark]):
    """List the bookmarks, and create one."""

    template = "/bookmarks"


class BookmarkResource(ItemResource[Bookmark]):
    """Read, replace, change and delete one bookmark."""

    template = "/bookmarks/{id}"
