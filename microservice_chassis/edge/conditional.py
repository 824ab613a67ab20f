"""Conditional requests (RFC 9110, section 13)."""

from __future__ import annotations

import re

# NOTE: no quoted string, but an opaque tag, in which a backslash means itself (section 8.8.3).
_ENTITY_TAG = re.compile(rb'(?<![^\s,])(?:W/)?("[^"]*")')


def not_modified(if_none_match: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match names this entity tag, so that the client has the answer already.

    `etag` has its quotes. The comparison is the weak one (RFC 9110, section 13.1.2);
    `*` stands for whatever exists.
    """
    if if_none_match == etag:
        return True
    return if_none_match.strip() == b"*" or etag in _ENTITY_TAG.findall(if_none_match)
