"""Resource identifiers: MongoDB ObjectIds whose order is the order of creation."""

from __future__ import annotations

import os
import re
import time

from bson import ObjectId

from microservice_chassis.errors import ResourceNotFound

_SECOND_NS = 1_000_000_000
_HEX_ID = re.compile(r"[0-9a-fA-F]{24}")


def new_id() -> ObjectId:
    """Return an identifier that sorts after every one made earlier on this machine.

    An ObjectId starts with the second of its creation;
    what drivers put behind it differs per process,
    so ids made by several workers within one second would sort at random.
    Here the 24 bits behind the second are the fraction of that second (60 ns steps),
    which orders them across processes; 40 random bits keep them unique.
    """
    seconds, nanoseconds = divmod(time.time_ns(), _SECOND_NS)
    fraction = (nanoseconds << 24) // _SECOND_NS
    return ObjectId(seconds.to_bytes(4) + fraction.to_bytes(3) + os.urandom(5))


def parse_id(text: str) -> ObjectId:
    """Return the identifier that `text` spells.

    Raises:
        ResourceNotFound: it is not 24 hex digits, so no resource can have it.
    """
    # NOTE: ObjectId() alone is too lenient: it lets bytes.fromhex() skip spaces.
    if not _HEX_ID.fullmatch(text):
        raise ResourceNotFound(text)
    return ObjectId(text)
