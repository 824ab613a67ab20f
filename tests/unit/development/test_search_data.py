from __future__ import annotations

import random
from collections import Counter

import bson
import pytest
from bson import ObjectId

from events_microservice.models.event import Event
from events_microservice.models.event_query import EventQuery
from microservice_chassis.schema.query import QueryParameters
from microservice_chassis.schema.schema import Schema
from microservice_chassis.storage.codec import DocumentCodec
from tests.performance.search_data import TOPICS, documents, given
from tests.performance.search_queries import SEARCHES, Search

DOCUMENTS = 200


def test_what_is_created_is_valid() -> None:
    dice = random.Random(1)
    schema = Schema(Event)
    for _ in range(DOCUMENTS):
        assert schema.parse(given(dice)).location is not None


def test_what_earlier_versions_kept_can_be_read() -> None:
    codec = DocumentCodec(Schema(Event), {"timezone": "UTC"})
    forms = Counter(
        codec.read(bson.encode({"_id": ObjectId(), **document})).revision
        for document in documents(DOCUMENTS, seed=1)
    )
    # Those of the original EventPost had no revision.
    assert forms == {0: DOCUMENTS // 10, 1: DOCUMENTS - DOCUMENTS // 10}


def test_the_same_seed_gives_the_same_documents() -> None:
    assert list(documents(20, seed=3)) == list(documents(20, seed=3))
    assert list(documents(20, seed=3)) != list(documents(20, seed=4))


def test_few_topics_are_frequent_and_many_are_rare() -> None:
    drawn = Counter(TOPICS.some(random.Random(5), 10_000))
    (first, most), (_, second) = drawn.most_common(2)
    assert first == TOPICS.names[0]
    assert 1.5 < most / second < 2.5
    assert len(drawn) > 150


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.name)
def test_every_search_is_one_that_the_service_knows(search: Search) -> None:
    dice = random.Random(7)
    parse = QueryParameters(EventQuery).parse
    for _ in range(5):
        assert parse(search.parameters(dice)).cursor is None
