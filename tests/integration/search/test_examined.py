"""What MongoDB looks at for a page: hardly more than what is on it, never a whole collection."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest
from bson import ObjectId

from events_microservice.models.event import Event
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.schema.query import QueryParameters
from microservice_chassis.schema.schema import Resource, Schema
from microservice_chassis.storage.client import connect, unlimited
from microservice_chassis.storage.dator import Dator
from notifications_microservice.models.notification import Notification
from tests.commands import Commands
from tests.databases import drop
from tests.examples import NOTIFICATION
from tests.kinds import EVENTS, NOTIFICATIONS, Kind
from tests.search_oracle import event

KEPT = 3000

# Of fewer than there are within the hours by which the zones of the Earth differ.
LIMIT = 20

FIRST_CHANGE = datetime(2027, 1, 1, tzinfo=UTC)

# A driver's own, which `explain` takes for itself.
_NOT_EXPLAINED = {"lsid", "$db", "txnNumber", "readConcern"}


class Searched(NamedTuple):
    """A dator on many documents, and what it asks MongoDB to do."""

    dator: Dator[Any]
    commands: Commands

    async def explained(self, parameters: dict[str, str]) -> dict[str, Any]:
        """How MongoDB found the page that parameters describe (MongoDB manual, `explain`)."""
        self.commands.all.clear()
        small = {**parameters, "limit": str(LIMIT)}
        await self.dator.page(QueryParameters(self.dator.query).parse(small))
        find = self.commands.of("find")[-1]
        asked = {name: part for name, part in find.items() if name not in _NOT_EXPLAINED}
        database = self.dator.collection.database
        return await database.command("explain", asked, verbosity="executionStats")


def stages(plan: dict[str, Any]) -> Iterator[str]:
    """The stages of a plan, from the last one to the first."""
    yield plan["stage"]
    for inner in (*plan.get("inputStages", ()), plan.get("inputStage")):
        if inner:
            yield from stages(inner)


@asynccontextmanager
async def searched(
    mongodb: EmbeddedMongoDB, kind: Kind, resources: list[Resource]
) -> AsyncIterator[Searched]:
    """A dator of that kind on these resources, with all indexes."""
    commands = Commands()
    name = f"examined-{kind.dator_class.name}"
    async with connect(mongodb.uri, [commands]) as client:
        dator = kind.dator(client[name])
        codec = await dator.codec()
        with unlimited():
            await dator.collection.insert_many(
                {
                    "_id": ObjectId(),
                    **codec.document(each.with_derived()),
                    "revision": 1,
                    "updated_at": FIRST_CHANGE + timedelta(minutes=number),
                }
                for number, each in enumerate(resources)
            )
            await dator.collection.create_indexes(list(dator.indexes))
        await dator.deployment.make_searchable()
        yield Searched(dator, commands)
        await drop(client, name)


@pytest.fixture(scope="module")
async def events(mongodb: EmbeddedMongoDB) -> AsyncIterator[Searched]:
    dice = random.Random(4)
    parse = Schema(Event).parse
    resources: list[Resource] = [parse(event(dice)) for _ in range(KEPT)]
    async with searched(mongodb, EVENTS, resources) as found:
        yield found


@pytest.fixture(scope="module")
async def notifications(mongodb: EmbeddedMongoDB) -> AsyncIterator[Searched]:
    dice = random.Random(5)
    like = Schema(Notification).parse(NOTIFICATION)
    resources = [notification(dice, like) for _ in range(KEPT)]
    async with searched(mongodb, NOTIFICATIONS, resources) as found:
        yield found


def notification(dice: random.Random, like: Notification) -> Resource:
    return msgspec.structs.replace(
        like,
        to_mail=f"guest{dice.randrange(50)}@example.com",
        scheduled_time=datetime(2027, 1, 1, tzinfo=UTC)
        + timedelta(minutes=dice.randrange(500_000)),
        status=dice.choice(("pending", "sent", "failed")),
    )


def check(explained: dict[str, Any]) -> None:
    """Check that a plan goes by an index, in its order, and looks at little else."""
    found = list(stages(explained["queryPlanner"]["winningPlan"]))
    assert not {"COLLSCAN", "SORT"} & set(found), found
    statistics = explained["executionStats"]
    assert statistics["nReturned"] > 0
    assert statistics["totalDocsExamined"] <= 2 * statistics["nReturned"]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"sort": "starts_at"},
        {"sort": "-starts_at"},
        {"sort": "title"},
        {"sort": "-updated_at"},
        {"topic": "jazz"},
        {"topic": "jazz", "sort": "starts_at"},
        {"topic": "jazz", "sort": "-starts_at"},
        {"place": "malaga"},
        {"place": "malaga", "sort": "starts_at"},
        {"organizer": "ana duarte"},
        {"organizer": "ana duarte", "sort": "-starts_at"},
        {"from": "2027-05-01T00:00:00Z"},
        {"from": "2027-05-01"},
        {"to": "2027-04-01T00:00:00Z"},
        {"to": "2027-04-01"},
        {"to": "2027-04-01", "sort": "-starts_at"},
        {"from": "2027-04-11T12:00:00Z", "to": "2027-04-18T12:00:00Z"},
        {"from": "2027-04-11", "to": "2027-04-17"},
        {"from": "2027-04-11", "to": "2027-05-11"},
        {"from": "2027-04-11T12:00:00Z", "to": "2027-04-18T12:00:00Z", "sort": "-starts_at"},
        {"from": "2027-04-11", "to": "2027-04-17", "sort": "-starts_at"},
        {"topic": "jazz", "from": "2027-05-01T00:00:00Z"},
        {"topic": "jazz", "from": "2027-04-11T12:00:00Z", "to": "2027-04-18T12:00:00Z"},
        {"topic": "jazz", "from": "2027-04-11", "to": "2027-04-17"},
        {"updated_since": "2027-01-02T00:00:00Z", "sort": "updated_at"},
    ],
    ids=lambda parameters: " ".join(f"{name}={value}" for name, value in parameters.items()),
)
async def test_a_page_of_events_examines_at_most_twice_what_it_finds(
    events: Searched, parameters: dict[str, str]
) -> None:
    check(await events.explained(parameters))


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"sort": "-scheduled_time"},
        {"sort": "updated_at"},
        {"status": "pending"},
        {"status": "sent", "sort": "-id"},
        {"status": "pending", "sort": "scheduled_time"},
        {"to_mail": "GUEST7@example.com"},
        {"from": "2027-03-01T00:00:00Z", "to": "2027-03-08T00:00:00Z"},
        {"from": "2027-03-01", "to": "2027-03-07"},
        {"status": "pending", "from": "2027-03-01", "to": "2027-03-07"},
        {"status": "pending", "to": "2027-03-07T12:00:00Z"},
    ],
    ids=lambda parameters: " ".join(f"{name}={value}" for name, value in parameters.items()),
)
async def test_a_page_of_notifications_examines_at_most_twice_what_it_finds(
    notifications: Searched, parameters: dict[str, str]
) -> None:
    check(await notifications.explained(parameters))


@pytest.mark.parametrize("parameters", [{}, {"sort": "starts_at"}, {"topic": "jazz"}])
async def test_what_only_searches_need_stays_in_mongodb(
    events: Searched, parameters: dict[str, str]
) -> None:
    explained = await events.explained(parameters)
    # It copies the members that are named, which takes less than to leave one out.
    assert "PROJECTION_SIMPLE" in set(stages(explained["queryPlanner"]["winningPlan"]))
