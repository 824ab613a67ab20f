"""When an attempt that was deferred is made again."""

from __future__ import annotations

from datetime import datetime, timedelta
from secrets import SystemRandom

# After the first attempt, the second one, and so on; the last of these after any later one.
_PAUSES = tuple(timedelta(minutes=minutes).total_seconds() for minutes in (1, 5, 15, 60, 120, 240))

# A pause is longer or shorter by up to this part: what failed together is not tried together.
_JITTER = 0.2

_random = SystemRandom()


def again_s(
    attempts: int, now: datetime, scheduled_time: datetime, missed_after_s: int
) -> float | None:
    """Return in how many seconds to try again after so many attempts, or None for never.

    Nothing is begun that is late by more than `missed_after_s`.
    """
    pause_s = _PAUSES[min(attempts, len(_PAUSES)) - 1] * _random.uniform(1 - _JITTER, 1 + _JITTER)
    late_s = (now - scheduled_time).total_seconds() + pause_s
    return None if late_s > missed_after_s else pause_s
