"""Entity tags of resources, and the revisions that a write may depend on (RFC 9110, 8.8.3, 13.1.1).

A tag is strong: the id keeps it from being that of another resource, and the revision changes with
each change. What is no single resource in JSON has a tag of its content, which no write takes.
"""

from __future__ import annotations

from hashlib import blake2b

import falcon
import falcon.asgi

# Longer numbers are no revision; MongoDB could not keep them.
_DIGITS = 18


def entity_tag(identifier: str, revision: int) -> str:
    """Return the tag of a resource, without its quotes."""
    return f"{identifier}-{revision}"


def content_tag(content: bytes) -> str:
    """Return the tag of a representation that has no revision, without its quotes."""
    return blake2b(content, digest_size=16).hexdigest()


def expected_revisions(req: falcon.asgi.Request, identifier: str) -> frozenset[int] | None:
    """Return the revisions of a resource that If-Match names, or None where any will do.

    A weak tag names none: the comparison is the strong one.
    """
    # NOTE: to Falcon a list without a tag in it is none at all.
    tags = req.if_match or []
    if req.get_header("If-Match") is None or "*" in tags:
        return None
    numbers = [
        number
        for tag in tags
        if isinstance(tag, falcon.ETag) and not tag.is_weak
        for owner, _, number in [tag.rpartition("-")]
        if owner == identifier.lower() and number.isascii() and number.isdigit()
    ]
    return frozenset(int(number) for number in numbers if len(number) <= _DIGITS)
