"""Every combination of filters and sorts finds what the oracle says, on pages of any size."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from itertools import islice
from typing import Any

import msgspec
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from events_microservice.models.event import Event
from microservice_chassis.schema.query import QueryParameters
from microservice_chassis.storage.bulkhead import Bulkhead
from microservice_chassis.storage.client import Document, unlimited
from microservice_chassis.storage.codec import read_members
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.finder import Bounds, Finder, Total
from microservice_chassis.storage.raw_bson import RAW_OPTIONS, decode
from microservice_chassis.storage.selection import Selection
from tests.kinds import EVENTS
from tests.search_oracle import event, expected, queries

EVENTS_KEPT = 250
QUERIES = 120
LOW = Bounds(few=20, examined=30, nearest=15, counted=50)


@pytest.fixture
async def dator(database: AsyncDatabase[Document]) -> Dator[Any]:
    dator = EVENTS.dator(database)
    with unlimited():
        await dator.collection.create_indexes(list(dator.indexes))
    await dator.codec()
    await dator.deployment.make_searchable()
    return dator


async def fill(dator: Dator[Any], dice: random.Random, number: int) -> list[Event]:
    """Create events, each for itself, so that each has a time of its own."""
    return [(await dator.insert(dator.schema.parse(event(dice)))).resource for _ in range(number)]


async def walk(dator: Dator[Any], parameters: Mapping[str, str], limit: int) -> list[str]:
    """The ids of all pages."""
    parse = QueryParameters(dator.query).parse
    query = parse({**parameters, "limit": str(limit)})
    found: list[str] = []
    while True:
        page = await dator.page(query)
        assert len(page.representations) <= limit
        found += [json.loads(each)["id"] for each in page.representations]
        if page.next is None:
            return found
        query = parse({**parameters, "limit": str(limit), "cursor": page.next})


async def bounded_walk(finder: Finder, selection: Selection, limit: int) -> list[str]:
    """The ids of all pages of a finder."""
    found: list[str] = []
    after, few = None, None
    while True:
        page = await finder.page(selection, limit, after, few)
        found += [str(decode(raw)["_id"]) for raw in page.documents]
        after, few = page.next, page.few
        if after is None:
            return found


async def test_a_walk_finds_what_is_selected_in_its_order(dator: Dator[Any]) -> None:
    dice = random.Random(1)
    events = await fill(dator, dice, EVENTS_KEPT)
    moments = [each.updated_at for each in events if each.updated_at]
    # So low that each kind of plan is chosen, and pages end before they are full.
    raw = dator.collection.with_options(codec_options=RAW_OPTIONS)
    low = Finder(raw, Bulkhead(), LOW, members=read_members(dator.schema))
    found = 0
    for parameters in islice(queries(dice, moments), QUERIES):
        limit = dice.choice((3, 7, 100, 1000))
        right = expected(events, parameters)
        assert await walk(dator, parameters, limit) == right, parameters
        query = QueryParameters(dator.query).parse(parameters)
        assert await bounded_walk(low, dator.selection(query), limit) == right, parameters
        total = await dator.page(msgspec.structs.replace(query, count=True))
        assert total.total in (Total(len(right), "exact"), Total(EVENTS_KEPT, "estimate"))
        bounded = await low.total(dator.selection(query))
        assert bounded.number <= len(right)
        assert bounded.precision != "exact" or bounded.number == len(right)
        found += bool(right)
    assert found > QUERIES / 4
