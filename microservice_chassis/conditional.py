"""Conditional requests (RFC 9110, section 13)."""

from __future__ import annotations


def not_modified(if_none_match: str | None, etag: str) -> bool:
    """Whether an If-None-Match names this entity tag, so that the client has the answer already.

    `etag` has its quotes. The comparison is the weak one (RFC 9110, section 13.1.2);
    `*` stands for whatever exists.
    """
    if if_none_match is None:
        return False
    if if_none_match == etag:
        return True
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return tags == ["*"] or etag in tags
