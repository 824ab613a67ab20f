"""Cursors: where a page of a collection begins, as an opaque text (RFC 4648, section 5)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from bson import ObjectId

from microservice_chassis.errors import InvalidCursor
from microservice_chassis.storage.raw_bson import decode


def cursor_behind(raw: bytes) -> str:
    """Return the cursor of the page that begins behind a document."""
    return urlsafe_b64encode(decode(raw)["_id"].binary).decode()


def parse_cursor(cursor: str) -> ObjectId:
    """Return the `_id` behind which a page begins.

    Raises:
        InvalidCursor: no page has ended with it.
    """
    try:
        return ObjectId(urlsafe_b64decode(cursor))
    except (ValueError, TypeError):
        raise InvalidCursor(cursor) from None
