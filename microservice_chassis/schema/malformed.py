"""Malformed values: what is wrong with one, in words for the client who sent it."""

from __future__ import annotations

import re
from collections.abc import Iterable


class Malformed(ValueError):
    """A value breaks a rule in a way that has a name; the message says which, and no library's."""


def malformed(value: str, names: Iterable[tuple[re.Pattern[str], str]]) -> ValueError:
    """Return the error of a value that is none of what it should be.

    `names` says of patterns, which a value may begin with, what they stand for; the first one that
    fits makes a Malformed. A value that none of them fits has no name.
    """
    for pattern, name in names:
        if pattern.match(value):
            return Malformed(name)
    return ValueError("of another form")
