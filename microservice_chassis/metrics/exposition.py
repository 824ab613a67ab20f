"""The exposition: the sum of what all workers have counted, as text for whoever scrapes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from microservice_chassis import __version__
from microservice_chassis.errors import DatabaseUnavailable

# Returns metrics that are the same whichever worker is asked; raises DatabaseUnavailable where
# they cannot be known for now.
Collect = Callable[[], Awaitable[Iterable[Metric]]]


class Exposition:
    """The metrics of a service, as any of its workers tells them."""

    def __init__(self, directory: str | None, collectors: Sequence[Collect] = ()) -> None:
        """`directory` is where the workers count, or None where they have none in common."""
        self._directory = directory
        self._collectors = collectors

    async def render(self, accept: str) -> tuple[bytes, str] | None:
        """Return the text and its media type, or None where nobody knows the sum of the workers.

        That is Prometheus' text format 0.0.4, or a later format that `accept` prefers.
        What a collector cannot know for now is left out.
        """
        if self._directory is None:
            return None
        collected = [metric for each in self._collectors for metric in await _ask(each)]
        encode, media_type = choose_encoder(accept)
        # NOTE: in a thread, since to add up the files takes milliseconds.
        registry = _registry(Path(self._directory), collected)
        return await asyncio.to_thread(encode, registry), media_type


def build_info(service: str) -> Collect:
    """Return a collector of what runs here: a 1, with the name and the version as labels."""
    family = GaugeMetricFamily(
        "eventpost_build_info", "What runs here.", labels=("service", "version")
    )
    family.add_metric((service, __version__), 1)

    async def collect() -> Iterable[Metric]:
        return [family]

    return collect


class _Collected(Collector):
    """What has been collected already."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _registry(directory: Path, collected: Sequence[Metric]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]
    registry.register(_Collected(collected))
    return registry


async def _ask(collect: Collect) -> Iterable[Metric]:
    try:
        return await collect()
    except DatabaseUnavailable:
        return ()
