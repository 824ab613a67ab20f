"""Conditional requests (RFC 9110, section 13)."""

from __future__ import annotations

from microservice_chassis.edge.list_header import elements


def not_modified(if_none_match: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match names this entity tag, so that the client has the answer already.

    `etag` has its quotes. The comparison is the weak one (RFC 9110, section 13.1.2);
    `*` stands for whatever exists.
    """
    if if_none_match == etag:
        return True
    tags = [tag.removeprefix("W/") for tag in elements(if_none_match.decode("latin-1"))]
    return tags == ["*"] or etag.decode("latin-1") in tags
