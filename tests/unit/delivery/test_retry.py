"""When an attempt that was deferred is made again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from notifications_microservice.delivery.availability import LONGEST_PAUSE_S, Availability
from notifications_microservice.delivery.retry import again_s

TIME = datetime(2027, 5, 1, 16, tzinfo=UTC)
DAYS_S = 2 * 86_400


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60), (5, 120), (6, 240), (50, 240)]
)
def test_the_pauses_grow_and_no_two_are_alike(attempts: int, minutes: int) -> None:
    pauses = {again_s(attempts, TIME, TIME, DAYS_S) for _ in range(50)}
    assert len(pauses) > 40
    assert all(pause and 48 * minutes <= pause <= 72 * minutes for pause in pauses)


def test_nothing_is_tried_again_that_would_be_too_late() -> None:
    late = TIME + timedelta(seconds=DAYS_S - 80)
    assert again_s(1, late, TIME, DAYS_S) is not None
    assert again_s(2, late, TIME, DAYS_S) is None
    assert again_s(1, TIME + timedelta(days=30), TIME, DAYS_S) is None


def test_a_lost_server_is_tried_again_after_pauses_that_grow_up_to_a_bound() -> None:
    availability = Availability(asyncio.Event())
    pauses = [availability.next_pause_s() for _ in range(8)]
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, *[LONGEST_PAUSE_S] * 3]
    availability.come_back()
    assert availability.next_pause_s() == 0.25
