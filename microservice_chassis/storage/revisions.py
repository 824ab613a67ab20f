"""The revisions of a resource at which a write may happen, as the filter of that write says it."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from microservice_chassis.storage.client import Document


class Revisions(msgspec.Struct, frozen=True):
    """Those `among` some, or all where that is None, but none of those `without`.

    One of the two says something; no condition at all is None in the place of this.
    """

    among: frozenset[int] | None = None
    without: frozenset[int] = frozenset()

    def __contains__(self, revision: int) -> bool:
        return (self.among is None or revision in self.among) and revision not in self.without

    def query(self) -> Document:
        """Return the query for the member `revision` (MongoDB manual, "Query Operators")."""
        query: Document = {}
        if self.among is not None:
            query["$in"] = _kept(self.among)
        if self.without:
            query["$nin"] = _kept(self.without)
        return query


def _kept(revisions: Collection[int]) -> list[int | None]:
    """Return revisions as documents have them."""
    # NOTE: one that was written before there were revisions is at 0.
    return [*revisions, None] if 0 in revisions else [*revisions]
