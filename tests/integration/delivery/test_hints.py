"""Hints of what is due soon are heard in every process, and left only where somebody delivers."""

from __future__ import annotations

import asyncio

from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.storage.client import Document
from notifications_microservice.delivery.cancellation import cancel
from notifications_microservice.models.hints import Hints
from tests.integration.delivery.delivering import until
from tests.integration.delivery.post import Post


async def test_a_hint_is_heard_by_all_in_whichever_process_it_is_given(
    database: AsyncDatabase[Document],
) -> None:
    heard: list[asyncio.Event] = [asyncio.Event() for _ in range(2)]
    taking = [asyncio.create_task(Hints(database).take(each.set)) for each in heard]

    async def both() -> bool:
        await Hints(database).give()
        return all(each.is_set() for each in heard)

    await until(both)
    assert (await database["DeliveryHints"].options())["capped"]
    await cancel(taking)


async def test_where_nobody_has_ever_delivered_no_hint_is_left_behind(
    database: AsyncDatabase[Document],
) -> None:
    await Post(database).create(3)
    assert "DeliveryHints" not in await database.list_collection_names()
