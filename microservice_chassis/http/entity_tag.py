"""Entity tags of resources, and the revisions that a write may depend on.

RFC 9110, sections 8.8.3, 13.1.1 and 13.1.2.

A tag is strong: the id keeps it from being that of another resource, and the revision changes with
each change. What is no single resource in JSON has a tag of its content, which no write takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import falcon
import falcon.asgi

from microservice_chassis.storage.revisions import Revisions

# Longer numbers are no revision; MongoDB could not keep them.
_DIGITS = 18


def entity_tag(identifier: str, revision: int) -> str:
    """Return the tag of a resource, without its quotes."""
    return f"{identifier}-{revision}"


def content_tag(content: bytes) -> str:
    """Return the tag of a representation that has no revision, without its quotes."""
    return blake2b(content, digest_size=16).hexdigest()


def expected_revisions(req: falcon.asgi.Request, identifier: str) -> Revisions | None:
    """Return the revisions at which If-Match and If-None-Match allow a write, or None for all.

    A weak tag allows nothing, and refuses what the strong one would: If-Match is compared strongly,
    If-None-Match weakly.
    """
    # NOTE: to Falcon a list without a tag in it is none at all.
    allowed, refused = req.if_match or [], req.if_none_match or []
    if "*" in refused:  # it must not exist, and so be at no revision
        return Revisions(among=frozenset())
    without = _revisions(refused, identifier)
    if req.get_header("If-Match") is None or "*" in allowed:
        return Revisions(without=without) if without else None
    strong = [tag for tag in allowed if isinstance(tag, falcon.ETag) and not tag.is_weak]
    return Revisions(_revisions(strong, identifier), without)


def _revisions(tags: Sequence[str], identifier: str) -> frozenset[int]:
    """Return the revisions of a resource that are among what tags name."""
    numbers = [
        number
        for tag in tags
        for owner, _, number in [tag.rpartition("-")]
        if owner == identifier.lower() and number.isascii() and number.isdigit()
    ]
    return frozenset(int(number) for number in numbers if len(number) <= _DIGITS)
