"""What a service tells of itself at /metrics."""

from __future__ import annotations

from collections.abc import Mapping

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.services import Service

# The name of a sample and its labels.
Sample = tuple[str, frozenset[tuple[str, str]]]


def parse(text: str) -> dict[Sample, float]:
    """The values of the samples in Prometheus' text format."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(service: Service) -> dict[Sample, float]:
    answer = requests.get(f"{service.url}/metrics", timeout=5)
    assert answer.status_code == 200
    return parse(answer.text)


def value(samples: Mapping[Sample, float], name: str, **labels: str) -> float:
    """That of one sample, or 0 where there is none yet."""
    return samples.get((name, frozenset(labels.items())), 0.0)


def total(samples: Mapping[Sample, float], name: str, **labels: str) -> float:
    """The sum of the samples of that name that have at least these labels."""
    wanted = labels.items()
    return sum(
        number for (each, given), number in samples.items() if each == name and wanted <= given
    )
