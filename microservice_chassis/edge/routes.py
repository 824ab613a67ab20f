"""The paths of a service: which template a path belongs to, and what its answer depends on."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from microservice_chassis.edge.accept import Offer

_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)

# Where the layers find the route of a request, in its scope.
ROUTE = "eventpost.route"

# Longer paths are none of a resource, but for what a client adds to it; they are not worth memory.
_REMEMBERED_LENGTH = 64


class Route(NamedTuple):
    """Where a path leads.

    `template` is empty where nothing is. `stamp` is the name of the version stamp on which the
    answer depends, the one under which a dator changes it; None where nothing may be kept.
    `key` tells the answer from others that depend on the same stamp, and `offer` is what there is.
    `absolute` says that the answer has absolute URLs of the service, and so depends on its origin.
    """

    template: str
    stamp: str | None = None
    key: str = ""
    offer: Offer = Offer("application/json")
    absolute: bool = False


class Routes:
    """The paths of one collection, of its items, and of what stands beside them."""

    def __init__(
        self, name: str, offers: Mapping[str, Offer], absolute: Collection[str] = ()
    ) -> None:
        """`name` is that of the collection; `offers` has what there is by each template.

        `absolute` are the templates whose answers have absolute URLs of the service.
        The templates are `/{name}` for the collection, `/{name}/{id}` for its items, which may
        have a suffix like `.ics`, and any other path without fields.
        """
        self.templates = tuple(offers)
        self._absolute = frozenset(absolute)
        self._prefix = f"{name}/"
        item = f"/{name}/{{id}}"
        self._items = {
            template.removeprefix(item): (template, offer)
            for template, offer in offers.items()
            if template.startswith(item)
        }
        # NOTE: the longest one first, as `/{id}` matches what has a suffix, too.
        self._suffixes = sorted(self._items, key=len, reverse=True)
        self._paths = {
            template.strip("/"): Route(template, offer=offer)
            for template, offer in offers.items()
            if "{" not in template
        }
        self._paths[name] = Route(f"/{name}", name, name, offers[f"/{name}"])
        self._nothing = Route("")

        # What is asked for again and again is not taken apart each time.
        self._known = lru_cache(maxsize=4096)(self._match)

    def match(self, path: str) -> Route:
        """Return where a path leads, as in Falcon.

        Slashes in front of it make no difference, nor does one behind it.
        """
        return self._known(path) if len(path) <= _REMEMBERED_LENGTH else self._match(path)

    def _match(self, path: str) -> Route:
        inner = path.lstrip("/").removesuffix("/")
        if not inner.startswith(self._prefix):
            return self._paths.get(inner, self._nothing)
        rest = inner[len(self._prefix) :]
        if "/" in rest:
            return self._nothing
        # NOTE: an id has one character at least, so that nothing is a suffix alone.
        suffix = next(each for each in self._suffixes if rest[1:].endswith(each))
        template, offer = self._items[suffix]
        identifier = rest.removesuffix(suffix)
        if not _ID.fullmatch(identifier):
            return Route(template, offer=offer)
        stamp = self._prefix + identifier.lower()
        return Route(template, stamp, stamp + suffix, offer, template in self._absolute)
