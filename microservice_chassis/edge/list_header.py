"""Headers that are lists (RFC 9110, section 5.6.1)."""

from __future__ import annotations

import re

# What stands between commas, which may stand in quoted strings, too.
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')


def elements(value: str) -> list[str]:
    """Return the elements of a list, without the white space around each."""
    return [element for found in _ELEMENT.findall(value) if (element := found.strip())]
