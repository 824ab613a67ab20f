"""The examples of the API document, all of which follow from that of the model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from microservice_chassis.schema.schema import Resource, Schema

_ID = "65a1b2c3d4e5f60718293a4b"
_RECORDED_AT = datetime(2027, 1, 1, 12, tzinfo=UTC)


class Examples:
    """Examples of one kind of resource."""

    def __init__(self, schema: Schema[Any]) -> None:
        model: type[Resource] = schema.model
        self.given = dict(model.example)
        self.merge_patch = dict(list(self.given.items())[:1])
        recorded = {
            name: _RECORDED_AT for name in ("created_at", "updated_at") if name in schema.members
        }
        resource = schema.parse(self.given).with_derived()
        resource = msgspec.structs.replace(resource, id=_ID, **recorded)
        self.answered: Any = msgspec.to_builtins(resource)
