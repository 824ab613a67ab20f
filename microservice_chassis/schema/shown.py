"""What a client sent, as a refusal repeats it: shortened, so that no answer grows with it."""

from __future__ import annotations

import json
from typing import Any

_MOST_CHARACTERS = 40

_encoder = json.JSONEncoder(ensure_ascii=False)


def shortened(text: str) -> str:
    """Return the begin of a text, with an ellipsis where more follows."""
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


def shown(value: Any) -> str:
    """Return the begin of a value's JSON; of a long string it tells the length, too."""
    begin = ""
    # NOTE: piece by piece, for a value that is nested deeply cannot be encoded as a whole.
    for piece in _encoder.iterencode(value):
        begin += piece
        if len(begin) > _MOST_CHARACTERS:
            length = f" ({len(value)} characters)" if isinstance(value, str) else ""
            return shortened(begin) + length
    return begin
