"""Bookmark: what a bookmark is, and the collection that keeps bookmarks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta

from microservice_chassis.schema.member import Derived, Recorded, Rule
from microservice_chassis.schema.scalars import LINE, line
from microservice_chassis.schema.schema import Resource
from microservice_chassis.storage.dator import Dator


class Bookmark(Resource, frozen=True, kw_only=True):
    """A link and why it is worth keeping."""

    url: Annotated[str, Meta(min_length=8, max_length=200), Rule(f"8 to 200 {LINE}", line)]
    why: Annotated[str, Meta(max_length=100), Rule(f"up to 100 {LINE}", line)] = ""
    host: Annotated[str, Derived("url")] = ""
    created_at: Annotated[datetime | None, Recorded] = None
    updated_at: Annotated[datetime | None, Recorded] = None

    def derived(self) -> Mapping[str, Any]:
        """The host that the link leads to."""
        return {"host": urlsplit(self.url).hostname or ""}


class BookmarkDator(Dator[Bookmark]):
    """The bookmarks."""

    name = "bookmarks"
    model = Bookmark
