"""What is told of the workers, and of what only one service has."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from microservice_chassis import __version__
from microservice_chassis.errors import DatabaseUnavailable
from microservice_chassis.metrics.exposition import Collect, Exposition, build_info
from tests.scraped import parse, value


def due(number: float) -> Collect:
    async def collect() -> Iterable[Metric]:
        return [GaugeMetricFamily("eventpost_due", "What is due.", number)]

    return collect


async def unknown() -> Iterable[Metric]:
    raise DatabaseUnavailable("MongoDB is gone")


async def told(directory: Path, *collectors: Collect) -> str:
    rendered = await Exposition(str(directory), collectors).render("")
    assert rendered
    return rendered[0].decode()


async def test_what_a_service_collects_is_told_as_it_is_now(tmp_path: Path) -> None:
    numbers = iter((3.0, 4.0))

    async def collect() -> Iterable[Metric]:
        return await due(next(numbers))()

    exposition = Exposition(str(tmp_path), [collect, build_info("events")])
    for expected in (3.0, 4.0):
        rendered = await exposition.render("")
        assert rendered
        samples = parse(rendered[0].decode())
        assert value(samples, "eventpost_due") == expected
        labels = {"service": "events", "version": __version__}
        assert value(samples, "eventpost_build_info", **labels) == 1


async def test_what_cannot_be_known_for_now_is_left_out(tmp_path: Path) -> None:
    assert "eventpost_due 5.0" in await told(tmp_path, unknown, due(5))


async def test_without_a_directory_nobody_knows_the_sum() -> None:
    assert await Exposition(None, [due(5)]).render("") is None
