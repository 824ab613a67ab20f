"""A histogram of Prometheus that takes what has been counted in plain numbers."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from microservice_chassis.durations import BOUNDS_S, Durations
from microservice_chassis.metrics.histogram import DurationHistogram
from tests.scraped import parse, value


def test_it_tells_what_the_durations_were() -> None:
    registry = CollectorRegistry()
    histogram = DurationHistogram("d_seconds", "Durations.", ("route",), registry=registry)
    observed = (0.00005, 0.0001, 0.003, 0.3, 20.0)
    for _ in range(2):
        durations = Durations()
        for each in observed:
            durations.add(each)
        histogram.labels("/a").add(durations)
    samples = parse(generate_latest(registry).decode())
    for bound in BOUNDS_S:
        expected = 2 * sum(each <= bound for each in observed)
        assert value(samples, "d_seconds_bucket", route="/a", le=str(bound)) == expected
    assert value(samples, "d_seconds_bucket", route="/a", le="+Inf") == 10
    assert value(samples, "d_seconds_count", route="/a") == 10
    assert abs(value(samples, "d_seconds_sum", route="/a") - 2 * sum(observed)) < 1e-9
