"""What scrapes of metrics are taken to say is what Prometheus would say."""

from __future__ import annotations

import math

import pytest

from tests.performance.scrapes import WINDOW, Scrape, quantile, quantiles, rates


def scrape(at_s: float, reads: float, writes: float) -> Scrape:
    bucket = "seconds_bucket"
    return Scrape(
        at_s,
        {
            ("requests", frozenset({("method", "GET"), ("status", "200")})): reads,
            ("requests", frozenset({("method", "PUT"), ("status", "200")})): writes,
            (bucket, frozenset({("method", "GET"), ("le", "0.1")})): reads / 2,
            (bucket, frozenset({("method", "GET"), ("le", "0.2")})): reads,
            (bucket, frozenset({("method", "GET"), ("le", "+Inf")})): reads,
            (bucket, frozenset({("method", "PUT"), ("le", "+Inf")})): writes,
        },
    )


TAKEN = [scrape(at_s=2.0 * each, reads=100.0 * each, writes=10.0 * each) for each in range(5)]


def test_a_rate_is_what_a_counter_grew_in_a_second_of_its_window() -> None:
    assert rates(TAKEN, "requests") == [55.0] * (5 - WINDOW)
    assert rates(TAKEN, "requests", method=["GET"]) == [50.0] * (5 - WINDOW)
    assert rates(TAKEN, "requests", method=["GET", "PUT"], status=["200"]) == [55.0] * (5 - WINDOW)
    assert rates(TAKEN, "requests", method=["DELETE"]) == [0.0] * (5 - WINDOW)


def test_a_quantile_is_that_of_what_happened_in_its_window() -> None:
    found = quantiles(TAKEN, 0.75, "seconds", method=["GET"])
    assert found == pytest.approx([0.15] * (5 - WINDOW))
    assert quantiles(TAKEN, 0.75, "seconds", method=["POST"]) == [None] * (5 - WINDOW)


@pytest.mark.parametrize(
    ("part", "buckets", "value"),
    [
        (0.5, {1.0: 10, 2.0: 20, math.inf: 20}, 1.0),
        (0.75, {1.0: 10, 2.0: 20, math.inf: 20}, 1.5),
        (0.99, {1.0: 10, 2.0: 20, math.inf: 40}, 2.0),
        (0.5, {1.0: 0, math.inf: 0}, None),
        (0.5, {}, None),
    ],
)
def test_within_a_bucket_they_are_spread_evenly_and_above_the_highest_bound_nobody_knows(
    part: float, buckets: dict[float, float], value: float | None
) -> None:
    assert quantile(part, buckets) == value
