"""A histogram in plain numbers."""

from __future__ import annotations

import pytest

from microservice_chassis.durations import BOUNDS_S, Durations


@pytest.mark.parametrize(
    ("duration_s", "bucket"),
    [(0.0, 0), (BOUNDS_S[0], 0), (0.00011, 1), (1.0, BOUNDS_S.index(1.0)), (11.0, len(BOUNDS_S))],
)
def test_a_duration_is_counted_up_to_the_first_bound_that_it_does_not_exceed(
    duration_s: float, bucket: int
) -> None:
    durations = Durations()
    durations.add(duration_s)
    assert durations.counts.index(1) == bucket
    assert (durations.count, durations.total_s) == (1, duration_s)
