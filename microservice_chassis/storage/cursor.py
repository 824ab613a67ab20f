"""Cursors: how far a walk through a selection has come, as an opaque text (RFC 4648, section 5)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from types import NoneType
from typing import NamedTuple, Self

import bson
from bson import ObjectId

from microservice_chassis.errors import InvalidCursor
from microservice_chassis.storage.raw_bson import decode
from microservice_chassis.storage.selection import Position

# What its fields are; `v` is the value of an order.
_KINDS: Mapping[str, tuple[type, ...]] = {
    "s": (bytes,),
    "n": (datetime, NoneType),
    "v": (str, datetime, float, ObjectId),
    "i": (ObjectId,),
    "f": (bool,),
}


class Cursor(NamedTuple):
    """A place in a selection, behind which the next page begins.

    `selection` is the selection's digest, `now` when its first page was asked for, where it depends
    on that. `few` says by which plan distances were computed, where they are the order.
    """

    selection: bytes
    now: datetime | None
    position: Position
    few: bool = False

    def text(self) -> str:
        """Return it as a client is given it."""
        value, key = self.position
        fields = {"s": self.selection, "n": self.now, "v": value, "i": key, "f": self.few}
        return urlsafe_b64encode(bson.encode(fields)).decode().rstrip("=")

    @classmethod
    def of(cls, text: str, selection: bytes) -> Self:
        """Return the cursor that a text is.

        Raises:
            InvalidCursor: no page of that selection has ended with it.
        """
        try:
            fields = decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        # NOTE: what it is that bson or base64 cannot read does not matter to the client.
        except (ValueError, bson.errors.BSONError):
            raise InvalidCursor(text) from None
        if fields.keys() != _KINDS.keys() or not all(
            isinstance(fields[name], kinds) for name, kinds in _KINDS.items()
        ):
            raise InvalidCursor(text)
        if fields["s"] != selection:
            raise InvalidCursor("another selection")
        return cls(selection, fields["n"], Position(fields["v"], fields["i"]), fields["f"])
