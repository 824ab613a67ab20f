"""Resource identifiers: MongoDB ObjectIds whose order is the order of creation."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Protocol

from bson import ObjectId

from microservice_chassis.errors import ResourceNotFound

_SECOND_NS = 1_000_000_000
_HEX_ID = re.compile(r"[0-9a-fA-F]{24}")


class Floor(Protocol):
    """What all identifiers to come must be above, in whichever process they are made."""

    def raise_floor(self, candidate: int, count: int = 1) -> int:
        """Return the candidate, or the least number above the floor.

        That and the numbers behind it, `count` in all, are taken; the last one is the floor.
        """


class ProcessFloor:
    """The floor of a process that shares it with no other."""

    def __init__(self) -> None:
        self._floor = 0

    def raise_floor(self, candidate: int, count: int = 1) -> int:
        """Take numbers from the candidate on, or from the floor, and return the first of them."""
        first = max(candidate, self._floor + 1)
        self._floor = first + count - 1
        return first


class Identifiers:
    """Makes identifiers, each of which sorts after those made before by all who share a floor.

    An ObjectId starts with the second of its creation; what drivers put behind it differs per
    process, so ids made by several workers within one second would sort at random.
    Here the 24 bits behind the second are the fraction of that second (60 ns steps),
    which orders them across processes; 40 random bits keep them unique.
    A clock that is set back makes no difference: the floor counts on from where it is.
    """

    def __init__(self, floor: Floor, now_ns: Callable[[], int] = time.time_ns) -> None:
        """`now_ns` is the time since the epoch, in nanoseconds."""
        self._floor = floor
        self._now_ns = now_ns

    def new(self) -> ObjectId:
        """Return an identifier. Make it when the write begins, or others will overtake it."""
        return self.several(1)[0]

    def several(self, count: int) -> list[ObjectId]:
        """Return identifiers in a row, each behind the one before."""
        seconds, nanoseconds = divmod(self._now_ns(), _SECOND_NS)
        candidate = seconds << 24 | (nanoseconds << 24) // _SECOND_NS
        first = self._floor.raise_floor(candidate, count)
        return [
            ObjectId(number.to_bytes(7) + os.urandom(5)) for number in range(first, first + count)
        ]


def parse_id(text: str) -> ObjectId:
    """Return the identifier that `text` spells.

    Raises:
        ResourceNotFound: it is not 24 hex digits, so no resource can have it.
    """
    # NOTE: ObjectId() alone is too lenient: it lets bytes.fromhex() skip spaces.
    if not _HEX_ID.fullmatch(text):
        raise ResourceNotFound(text)
    return ObjectId(text)
