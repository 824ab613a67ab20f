"""Pages have each resource once, in the order of creation, whatever is written meanwhile."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from microservice_chassis.errors import InvalidCursor
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.reader import Page
from tests.kinds import Kind


def ids(page: Page) -> list[str]:
    return [json.loads(each)["id"] for each in page.representations]


async def test_pages_follow_the_order_of_creation(kind: Kind, dator: Dator[Any]) -> None:
    resource = dator.schema.parse(kind.example)
    created = [(await dator.insert(resource)).resource.id for _ in range(5)]
    first = await dator.page(dator.query(limit=2))
    second = await dator.page(dator.query(limit=2, cursor=first.next))
    third = await dator.page(dator.query(limit=2, cursor=second.next))
    assert [ids(page) for page in (first, second, third)] == [
        created[:2],
        created[2:4],
        created[4:],
    ]
    assert third.next is None


async def test_a_page_has_the_representation_of_each_resource(
    kind: Kind, dator: Dator[Any]
) -> None:
    stored = await dator.insert(dator.schema.parse(kind.example))
    for _ in range(2):  # the second time from what is remembered
        assert (await dator.page(dator.query(limit=1))).representations == [
            msgspec.json.encode(stored.resource)
        ]


async def test_a_full_last_page_leads_nowhere(kind: Kind, dator: Dator[Any]) -> None:
    assert await dator.page(dator.query(limit=2)) == Page([], None)
    for _ in range(2):
        await dator.insert(dator.schema.parse(kind.example))
    page = await dator.page(dator.query(limit=2))
    assert (len(page.representations), page.next) == (2, None)


async def test_a_page_survives_the_deletion_of_what_it_ended_with(
    kind: Kind, dator: Dator[Any]
) -> None:
    resource = dator.schema.parse(kind.example)
    created = [(await dator.insert(resource)).resource.id for _ in range(4)]
    first = await dator.page(dator.query(limit=2))
    await dator.delete(created[1])
    await dator.insert(resource)
    assert ids(await dator.page(dator.query(limit=2, cursor=first.next))) == created[2:]


@pytest.mark.parametrize("cursor", ["", "x", "\0", "AAAA", "zzz", "!" * 16, "a" * 17, "é"])
async def test_what_is_no_cursor_is_refused(dator: Dator[Any], cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        await dator.page(dator.query(limit=1, cursor=cursor))
