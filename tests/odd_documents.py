"""Documents as other programs and earlier versions may have left them, at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bson import Binary, Decimal128, Int64
from bson.datetime_ms import DatetimeMS

# What may stand in the place of any member; `...` stands for a member that is missing.
ODD: Sequence[Any] = (
    *(..., None, 7, Int64(2**40), 1.5, True, "", "text", [1], {"a": 1}, Binary(b"a")),
    *(Decimal128("1"), datetime(2027, 5, 1, tzinfo=UTC), DatetimeMS(10**16)),
)
# What a member may be otherwise, in the words of some version of EventPost.
KNOWN: dict[str, Sequence[Any]] = {
    "date": ("2027-05-01", "2027-03-28", "9999-12-31", "0001-01-01", "01/06/2019"),
    "time": ("20:00:00", "02:30", "23:59:59", "half past"),
    "timezone": ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Mars/Olympus", ...),
    "duration": (None, "PT2H", "P31D", "P0.01D", "PT0.123456S", "two hours", ...),
    "location": (None, {"latitude": 1, "longitude": 2.5}, {"latitude": "x"}, ...),
    "topics": ("", "jazz, music", ...),
    "scheduled_time": (
        *("2027-05-01T18:00:00Z", "2019-06-01 17:30:00", "2027-05-01T18:00:00.123456Z"),
        *("2027-05-01T18:00:00.123000Z", datetime(2027, 5, 1, 18, tzinfo=UTC), "soon"),
    ),
    "status": ("pending", "sent", "lost", ...),
    "revision": (0, 1, 3, Int64(2**40), ...),
    "form": (...,) * 5 + (1,),
    "created_at": (datetime(2025, 1, 2, 3, 4, 5, 678000, tzinfo=UTC), ...),
    "updated_at": (datetime(2025, 2, 2, tzinfo=UTC), ...),
}


def odd_document(
    random_: random.Random, example: dict[str, Any], oddity: float = 0.03
) -> dict[str, Any]:
    """Return a document like an example, each member of which is odd with a probability."""
    document = {}
    recorded = ("revision", "form", "created_at", "updated_at", "status")
    for name in (*example, *recorded):
        value = random_.choice(KNOWN.get(name, (example.get(name, ...),)))
        if name != "form" and random_.random() < oddity:
            value = random_.choice(ODD)
        if value is not ...:
            document[name] = value
    return document
