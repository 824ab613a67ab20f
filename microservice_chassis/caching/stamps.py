"""Version stamps: numbers that tell whether what a cached answer was computed from has changed.

Each resource has a stamp, and each collection one.
Whoever reads takes the stamp before it asks the database, and keeps it with the answer;
whoever writes gives the stamp another number before the write is answered, if it has changed
something. So an answer whose stamp is still the current one was computed from the current state.

While a write is under way, it stands in the place that its process has beside the stamp, and
meanwhile nothing is answered from the cache and nothing is kept. A process may die between its
write and the change of the stamp, and a write that failed may still happen: those stay in their
places until they cannot happen any more, and then the stamp changes before it counts again.
What stands in a place is the time until which a write can happen.

Nobody waits, and nothing rests on the order in which two processes do something:
a place is written by its process alone, and no number is ever a stamp twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from zlib import crc32

from microservice_chassis.caching.shared_memory import SharedMemory
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS, Change

_NS_OF_MS = 1_000_000

# A number is the time that it was made, in nanoseconds, but for its last bits: those are the place
# of the process that made it, so that no two processes make the same.
_PLACE_BITS = 11


class SharedStamps:
    """The stamps of a service, as one process sees them."""

    def __init__(self, memory: SharedMemory, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """`now_ns` is a clock that all processes of the machine share."""
        self._memory = memory
        self._now_ns = now_ns
        self._stamps = memory.stamps
        self._bytes = memory.bytes
        self._row_bytes = memory.places * 8
        self._first_byte = memory.first_place * 8
        self._none_under_way = bytes(self._row_bytes)
        self._last = 0
        # How many writes of this process are under way, by the place in which they stand.
        self._under_way: dict[int, int] = {}
        # Until when writes can happen that failed or were a dead process's, by the same.
        self._uncertain: dict[int, int] = {}

    def slot(self, name: str) -> int:
        """Return where the stamp of that name is; names share slots by chance."""
        return crc32(name.encode()) % self._memory.slots

    def current(self, slot: int) -> int | None:
        """Return the stamp, or None while a write is under way that may change it."""
        # NOTE: first the stamp, then the places. A write that ends in between has left its place
        #   only after it has changed the stamp, so what is returned then counts no longer.
        stamp = self._stamps[slot]
        first = self._first_byte + slot * self._row_bytes
        if self._bytes[first : first + self._row_bytes] == self._none_under_way:
            return stamp
        return self._look_closer(slot)

    @contextmanager
    def change(self, *slots: int, longest_ms: int = LONGEST_CHANGE_MS) -> Iterator[Change]:
        """Around one write: stand in the places of what it touches, and then change the stamps.

        A write that fails may still happen; it counts as under way for as long as it can,
        which is `longest_ms` from its begin.

        Raises:
            DatabaseUnavailable: more processes write than there are places.
        """
        places = {slot: slot * self._memory.places + self._memory.place for slot in slots}
        # NOTE: above the stamps, so that a stamp above it has been changed since.
        begun = self._new_number(above=max(self._stamps[slot] for slot in slots))
        until = begun + longest_ms * _NS_OF_MS
        for slot, place in places.items():
            self._begin(slot, place, until)
        change = Change()
        certain = False
        try:
            yield change
            certain = True
        finally:
            for slot, place in places.items():
                if certain and change.made:
                    self._stamps[slot] = self._new_number(above=begun)
                self._end(slot, place, None if certain else until)

    def _begin(self, slot: int, place: int, until: int) -> None:
        # What stands there is of another write: one that is under way, or where there is none,
        # one that failed, or of a process that died over it.
        left = self._memory.writes[place]
        if left and place not in self._under_way:
            if self._is_over(left):
                self._settle(slot, left)
            else:
                self._uncertain[place] = left
        self._under_way[place] = self._under_way.get(place, 0) + 1
        self._memory.writes[place] = max(until, left)

    def _end(self, slot: int, place: int, failed: int | None) -> None:
        if failed is not None:
            self._uncertain[place] = max(failed, self._uncertain.get(place, 0))
        self._under_way[place] -= 1
        if self._under_way[place]:
            return  # the place tells of another write
        del self._under_way[place]
        uncertain = self._uncertain.pop(place, 0)
        if uncertain and self._is_over(uncertain):
            self._settle(slot, uncertain)
            uncertain = 0
        self._memory.writes[place] = uncertain

    def _look_closer(self, slot: int) -> int | None:
        first = slot * self._memory.places
        for number in self._memory.writes[first : first + self._memory.places]:
            if number and not self._is_over(number):
                return None
            if number:
                self._settle(slot, number)
        return self._stamps[slot]

    def _settle(self, slot: int, until: int) -> None:
        """Change the stamp, unless that has been done since a write was over."""
        # NOTE: not only since it began: what another process has made a stamp meanwhile may have
        #   counted before this write could be seen.
        if self._stamps[slot] <= until:
            self._stamps[slot] = self._new_number(above=until)

    def _is_over(self, until: int) -> bool:
        """Whether a write can no longer happen."""
        return self._now_ns() > until

    def _new_number(self, *, above: int = 0) -> int:
        """Return a number that no process has used, greater than this one's last and another."""
        last = max(self._last, above) >> _PLACE_BITS
        ticks = max(self._now_ns() >> _PLACE_BITS, last + 1)
        self._last = ticks << _PLACE_BITS | self._memory.place
        return self._last
