"""A JSON Merge Patch (RFC 7396) that is valid by itself, before it meets a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from microservice_chassis.errors import BrokenRule, InvalidResource


class Patch(NamedTuple):
    """What changes.

    `values` maps members to their new values.
    `parts` maps members that are objects to the parts that change in them;
    `missing` are the rules that break where such a member is no object yet.
    """

    values: Mapping[str, Any]
    parts: Mapping[str, Mapping[str, Any]] = {}
    missing: tuple[BrokenRule, ...] = ()

    def changes(self, resource: msgspec.Struct) -> dict[str, Any]:
        """Return the new values of the members of a resource that this changes.

        Raises:
            InvalidResource: a part is given of an object that the resource does not have.
        """
        changed = dict(self.values)
        for name, parts in self.parts.items():
            present = getattr(resource, name)
            if present is None:
                raise InvalidResource(
                    [rule for rule in self.missing if rule.pointer.startswith(f"/{name}/")]
                )
            changed[name] = msgspec.structs.replace(present, **parts)
        return changed
