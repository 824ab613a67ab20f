from __future__ import annotations

import random
from itertools import islice
from typing import Any

import pytest

import fixtures
from events_microservice.models.event import Event
from microservice_chassis.schema.schema import Schema
from notifications_microservice.models.notification import Notification

SCHEMAS: dict[str, Schema[Any]] = {
    "events": Schema(Event),
    "notifications": Schema(Notification),
}


def made(resource: str, seed: int, count: int) -> list[dict[str, Any]]:
    return list(islice(fixtures.RESOURCES[resource](random.Random(seed)), count))


@pytest.mark.parametrize("resource", fixtures.RESOURCES)
def test_every_resource_is_valid_and_they_vary(resource: str) -> None:
    resources = made(resource, 1, 500)
    for each in resources:
        SCHEMAS[resource].parse(each)
    assert len({str(each) for each in resources}) > 400


@pytest.mark.parametrize("resource", fixtures.RESOURCES)
def test_a_seed_makes_the_same_again(resource: str) -> None:
    assert made(resource, 7, 5) == made(resource, 7, 5)
    assert made(resource, 7, 5) != made(resource, 8, 5)
