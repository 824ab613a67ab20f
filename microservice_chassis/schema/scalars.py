"""The rules of single values that both services use.

Each rule takes a string from outside and returns its canonical form,
or raises ValueError if it is none.
"""

from __future__ import annotations

import re
from datetime import datetime

from microservice_chassis.schema.malformed import Malformed

# What `text` and `line` are, for the `Rule` that a client reads.
TEXT = "characters, no control characters but tab and newline"
LINE = "characters in one line, no control characters"

# What `text` and `line` accept, for the same.
TEXT_KEYWORDS = {"pattern": r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$"}
LINE_KEYWORDS = {"pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"}

_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# NOTE: Python's `email` ends a line of a header at U+2028 and U+2029, too (str.splitlines).
_NOT_IN_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def text(value: str) -> str:
    """Text of any characters but control characters; tab and newline are allowed."""
    return _without(_NOT_IN_TEXT, value)


def line(value: str) -> str:
    """One line of text: no control character at all, so that no mail header can be injected."""
    return _without(_NOT_IN_LINE, value)


def _without(characters: re.Pattern[str], value: str) -> str:
    found = characters.search(value)
    if found:
        code = ord(found[0])
        raise Malformed(f"character {found.start() + 1} is the control character U+{code:04X}")
    return value


def in_milliseconds(moment: datetime) -> datetime:
    """Return a time cut to the milliseconds of a BSON date: what is answered is what is kept."""
    beyond = moment.microsecond % 1000
    return moment.replace(microsecond=moment.microsecond - beyond) if beyond else moment
