"""Cursors of a walk that has come far, made from the index that it goes by."""

from __future__ import annotations

from typing import Any

from microservice_chassis.schema.query import QueryParameters
from microservice_chassis.storage.client import Document, connect, unlimited
from microservice_chassis.storage.cursor import Cursor
from microservice_chassis.storage.scan import query
from microservice_chassis.storage.selection import Position
from microservice_chassis.storage.updates import now
from tests.kinds import EVENTS
from tests.performance.search_queries import FAR_PAGE, PAGE, Parameters
from tests.performance.search_service import SearchedService, uri


async def far_pages(
    service: SearchedService, parameters: Parameters, number: int
) -> list[Parameters]:
    """Return the parameters of up to `number` full pages in a row, from page FAR_PAGE on.

    Where there are fewer pages, they are the last ones.
    """
    number = min(number, service.number // PAGE - 2)
    skipped = min((FAR_PAGE - 1) * PAGE, service.number - (number + 1) * PAGE)
    parsed = QueryParameters(EVENTS.dator_class.query).parse(parameters)
    async with connect(uri(service.data_dir)) as client:
        dator = EVENTS.dator(client["EventsMicroservice"])
        selection = dator.selection(parsed)
        key, walk = selection.order.key, selection.walks[selection.order.key]
        found = dator.collection.find(
            query(walk),
            {"_id": 1, key: 1},
            sort=selection.order.sort(),
            hint=walk.index_name,
            skip=skipped - 1,
            limit=number * PAGE,
        )
        with unlimited():
            ends = (await found.to_list())[::PAGE]
    positions = [Position(_value(end, key), end["_id"]) for end in ends]
    digest = parsed.selection_digest()
    return [{**parameters, "cursor": Cursor(digest, now(), each).text()} for each in positions]


def _value(document: Document, key: str) -> Any:
    value: Any = document
    for name in key.split("."):
        value = value[name]
    return value
