"""How operations wait at the bulkhead."""

from __future__ import annotations

import asyncio

from pymongo.errors import AutoReconnect

from microservice_chassis.errors import DatabaseUnavailable
from microservice_chassis.storage.bulkhead import Bulkhead


async def test_the_operations_under_way_are_limited_and_keep_their_order() -> None:
    bulkhead = Bulkhead(operations=2)
    under_way: set[int] = set()
    most = 0
    order = []

    async def operate(number: int) -> None:
        nonlocal most
        async with bulkhead.operation():
            order.append(number)
            under_way.add(number)
            most = max(most, len(under_way))
            await asyncio.sleep(0)
            under_way.remove(number)

    await asyncio.gather(*(operate(number) for number in range(10)))
    assert most == 2
    assert order == list(range(10))


async def test_an_outage_ends_the_wait_of_those_behind_it_and_of_nobody_later() -> None:
    bulkhead = Bulkhead(operations=1)
    started: list[int] = []

    async def operate(number: int) -> None:
        async with bulkhead.operation():
            started.append(number)
            await asyncio.sleep(0)
            if number == 0:
                raise AutoReconnect

    results = await asyncio.gather(
        *(operate(number) for number in range(5)), return_exceptions=True
    )
    assert {type(result) for result in results} == {DatabaseUnavailable}
    assert started == [0]
    await operate(5)
    assert started == [0, 5]
