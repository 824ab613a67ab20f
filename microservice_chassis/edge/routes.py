"""The paths of a service: which template a path belongs to, and what its answer depends on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)


# Longer paths are none of a resource, but for what a client adds to it; they are not worth memory.
_REMEMBERED_LENGTH = 64


class Route(NamedTuple):
    """Where a path leads.

    `template` is empty where nothing is. `stamp` is the name of the version stamp on which the
    answer depends, the one under which a dator changes it; None where the path is no resource.
    """

    template: str
    stamp: str | None


class Routes:
    """The paths of one collection, of its items, and of what stands beside them."""

    def __init__(self, name: str, others: Iterable[str]) -> None:
        """`name` is that of the collection, `others` are paths that are no resources."""
        self._collection = Route(f"/{name}", name)
        self._item_template = f"/{name}/{{id}}"
        self._name = name
        self._prefix = f"{name}/"
        self._others = {path.strip("/"): Route(path, None) for path in others}
        self._nothing = Route("", None)

        # What is asked for again and again is not taken apart each time.
        self._known = lru_cache(maxsize=4096)(self._match)

    def match(self, path: str) -> Route:
        """Return where a path leads, as in Falcon.

        Slashes in front of it make no difference, nor does one behind it.
        """
        return self._known(path) if len(path) <= _REMEMBERED_LENGTH else self._match(path)

    def _match(self, path: str) -> Route:
        inner = path.lstrip("/").removesuffix("/")
        if inner == self._name:
            return self._collection
        if inner.startswith(self._prefix):
            identifier = inner[len(self._prefix) :]
            if _ID.fullmatch(identifier):
                return Route(self._item_template, self._prefix + identifier.lower())
            return self._nothing if "/" in identifier else Route(self._item_template, None)
        return self._others.get(inner, self._nothing)
