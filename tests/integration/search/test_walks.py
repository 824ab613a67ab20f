"""A walk through a selection while others write."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.errors import IndexNotReady
from microservice_chassis.schema.query import QueryParameters
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.dator import Dator
from tests.kinds import EVENTS, KINDS, Kind
from tests.migrators import migration
from tests.search_oracle import event


async def page(dator: Dator[Any], **parameters: str) -> tuple[list[str], str | None]:
    found = await dator.page(QueryParameters(dator.query).parse(parameters))
    return [json.loads(each)["id"] for each in found.representations], found.next


async def searchable(dator: Dator[Any]) -> None:
    await migration(dator).until_through()


@pytest.mark.parametrize(
    "selection",
    [
        {},
        {"sort": "-id"},
        {"sort": "title"},
        {"sort": "starts_at"},
        {"topic": "jazz", "sort": "-starts_at"},
        {"near": "52.5,13.4", "radius": "1000"},
        {"q": "event", "from": "2027-01-01", "to": "2027-12-31"},
    ],
)
async def test_what_exists_throughout_is_seen_once_and_what_is_new_at_most_once(
    database: AsyncDatabase[Document], selection: dict[str, str]
) -> None:
    dator = EVENTS.dator(database)
    await searchable(dator)
    dice = random.Random(7)

    async def create() -> str:
        # Many are equal in what they are sorted by.
        document = {**event(dice), "topics": "jazz", "title": dice.choice("abc")}
        created = await dator.insert(dator.schema.parse(document))
        return str(created.resource.id)

    for _ in range(100):
        await create()
    at_first, _ = await page(dator, **selection, limit="1000")
    assert len(at_first) > 10
    seen: list[str] = []
    deleted: set[str] = set()
    cursor: str | None = ""
    while cursor is not None:
        found, cursor = await page(
            dator, **selection, limit="5", **({"cursor": cursor} if cursor else {})
        )
        seen += found
        await create()
        # The last of a page, where the walk goes on, and one that it may not have come to.
        for each in (*found[-1:], dice.choice(at_first)):
            if each not in deleted:
                await dator.delete(each)
                deleted.add(each)
    assert len(seen) == len(set(seen))
    throughout = [each for each in at_first if each not in deleted]
    assert [each for each in seen if each in throughout] == throughout


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_a_search_is_refused_until_documents_and_indexes_are_ready(
    database: AsyncDatabase[Document], kind: Kind
) -> None:
    dator = kind.dator(database)
    await dator.collection.insert_one(dict(kind.legacy))
    query = QueryParameters(dator.query).parse({"sort": "-updated_at"})
    with pytest.raises(IndexNotReady, match="migrated"):
        await dator.page(query)
    assert len((await dator.page(dator.query())).representations) == 1
    await dator.deployment.make_searchable()
    with pytest.raises(IndexNotReady, match="hint"):
        await dator.page(query)
    await searchable(dator)
    assert len((await dator.page(query)).representations) == 1


async def test_no_search_looks_at_a_whole_collection_for_want_of_an_index(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database)
    await searchable(dator)
    await dator.collection.drop_indexes()
    parse = QueryParameters(dator.query).parse
    for parameters in (
        {"topic": "jazz"},
        {"topic": "jazz", "organizer": "ana"},
        {"q": "jazz"},
        {"from": "2027-01-01"},
        {"near": "1,1"},
        {"near": "1,1", "sort": "title"},
        {"sort": "title"},
        {"updated_since": "2027-01-01T00:00:00Z"},
        {"topic": "jazz", "count": "true"},
    ):
        with pytest.raises(IndexNotReady):
            await dator.page(parse(parameters))
