"""Headers that are lists, and the parameters of their elements (RFC 9110, section 5.6)."""

from __future__ import annotations

import re

_QUOTED_STRING = r'"(?:[^"\\]|\\.)*"?'

# What stands between commas or semicolons, which may stand in quoted strings, too.
_ELEMENT = re.compile(rf'(?:[^,"]|{_QUOTED_STRING})+')
_PARAMETER = re.compile(rf'(?:[^;"]|{_QUOTED_STRING})+')


def elements(value: str) -> list[str]:
    """Return the elements of a list (section 5.6.1), without the white space around each."""
    return _parts(_ELEMENT, value)


def parameters(text: str) -> list[str]:
    """Return the parameters that semicolons part (section 5.6.6), without the space around each."""
    return _parts(_PARAMETER, text)


def _parts(part: re.Pattern[str], text: str) -> list[str]:
    return [inner for found in part.findall(text) if (inner := found.strip())]
