"""One contract for both dators, on a real MongoDB."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.monitoring import CommandListener, CommandStartedEvent

from events_microservice.models.event import Event
from events_microservice.models.event_dator import EventDator
from microservice_chassis.database import Document
from microservice_chassis.dator import Dator
from microservice_chassis.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.errors import DatabaseUnavailable, InvalidResource, ResourceNotFound
from microservice_chassis.identifiers import new_id
from microservice_chassis.schema import Patch, Schema
from microservice_chassis.store import NoStore
from notifications_microservice.models.notification import Notification
from notifications_microservice.models.notification_dator import NotificationDator
from tests.examples import EVENT, LEGACY_EVENT, LEGACY_NOTIFICATION, NOTIFICATION


class Kind(NamedTuple):
    dator_class: type[Dator[Any]]
    schema: Schema[Any]
    example: dict[str, Any]
    legacy: dict[str, Any]
    text: str  # a member that is a text


KINDS = {
    "events": Kind(EventDator, Schema(Event), EVENT, LEGACY_EVENT, "title"),
    "notifications": Kind(
        NotificationDator, Schema(Notification), NOTIFICATION, LEGACY_NOTIFICATION, "subject"
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
async def dator(kind: Kind, database: AsyncDatabase[Document]) -> AsyncIterator[Dator[Any]]:
    collection = database["resources"]
    yield kind.dator_class("resources", collection, kind.schema, NoStore())
    await collection.drop()


async def test_what_is_inserted_is_found(kind: Kind, dator: Dator[Any]) -> None:
    inserted = await dator.insert(kind.schema.parse(kind.example))
    assert inserted.revision == 1
    assert await dator.find(inserted.resource.id) == inserted
    members = msgspec.to_builtins(inserted.resource)
    assert {name: members[name] for name in kind.example} == kind.example


async def test_replacing_changes_every_member_and_keeps_the_creation(
    kind: Kind, dator: Dator[Any]
) -> None:
    before = await dator.insert(kind.schema.parse(kind.example))
    document = {**kind.example, kind.text: "Another text"}
    after = await dator.replace(before.resource.id, kind.schema.parse(document))
    assert after == await dator.find(before.resource.id)
    assert after.revision == 2
    assert getattr(after.resource, kind.text) == "Another text"
    assert after.resource.created_at == before.resource.created_at
    assert after.resource.updated_at >= before.resource.updated_at


async def test_a_patch_changes_only_its_members(kind: Kind, dator: Dator[Any]) -> None:
    before = await dator.insert(kind.schema.parse(kind.example))
    after = await dator.patch(before.resource.id, Patch({kind.text: "Another text"}, {}, ()))
    assert after == await dator.find(before.resource.id)
    assert after.revision == 2
    changed = {kind.text: "Another text", "updated_at": after.resource.updated_at}
    assert after.resource == msgspec.structs.replace(before.resource, **changed)


async def test_what_is_deleted_is_returned_and_gone(kind: Kind, dator: Dator[Any]) -> None:
    inserted = await dator.insert(kind.schema.parse(kind.example))
    assert await dator.delete(inserted.resource.id) == inserted
    with pytest.raises(ResourceNotFound):
        await dator.find(inserted.resource.id)


UNKNOWN = [
    "f" * 24,
    "",
    "x" * 24,
    "0" * 23,
    " " * 24,
    "6b 48ffbfd345c7b31605fd5",
    "٣" * 24,
]


@pytest.mark.parametrize("identifier", UNKNOWN)
async def test_an_unknown_id_is_not_found(kind: Kind, dator: Dator[Any], identifier: str) -> None:
    resource = kind.schema.parse(kind.example)
    with pytest.raises(ResourceNotFound):
        await dator.find(identifier)
    with pytest.raises(ResourceNotFound):
        await dator.replace(identifier, resource)
    with pytest.raises(ResourceNotFound):
        await dator.patch(identifier, Patch({}, {}, ()))
    with pytest.raises(ResourceNotFound):
        await dator.delete(identifier)


async def test_pages_follow_the_order_of_creation(kind: Kind, dator: Dator[Any]) -> None:
    resource = kind.schema.parse(kind.example)
    created = [(await dator.insert(resource)).resource.id for _ in range(5)]
    first = await dator.page(2)
    second = await dator.page(2, first.last)
    third = await dator.page(2, second.last)
    pages = [[found.id for found in page.resources] for page in (first, second, third)]
    assert pages == [created[:2], created[2:4], created[4:]]
    assert third.last is None


async def test_a_full_last_page_leads_nowhere(kind: Kind, dator: Dator[Any]) -> None:
    assert await dator.page(2) == ([], None)
    for _ in range(2):
        await dator.insert(kind.schema.parse(kind.example))
    page = await dator.page(2)
    assert (len(page.resources), page.last) == (2, None)


async def test_a_page_survives_the_deletion_of_what_it_ended_with(
    kind: Kind, dator: Dator[Any]
) -> None:
    resource = kind.schema.parse(kind.example)
    created = [(await dator.insert(resource)).resource.id for _ in range(4)]
    first = await dator.page(2)
    await dator.delete(created[1])
    await dator.insert(resource)
    second = await dator.page(2, first.last)
    assert [found.id for found in second.resources] == created[2:]


async def test_a_document_of_the_original_is_read_and_can_be_changed(
    kind: Kind, dator: Dator[Any], database: AsyncDatabase[Document]
) -> None:
    identifier = ObjectId.from_datetime(datetime(2019, 5, 1, tzinfo=UTC))
    await database["resources"].insert_one({"_id": identifier, **kind.legacy})
    found = await dator.find(str(identifier))
    assert found.revision == 0
    assert found.resource.created_at == datetime(2019, 5, 1, tzinfo=UTC)
    assert found.resource.updated_at == datetime(2019, 5, 1, tzinfo=UTC)
    assert (await dator.page(10)).resources == [found.resource]
    changed = await dator.patch(str(identifier), Patch({kind.text: "Another text"}, {}, ()))
    assert changed.revision == 1
    assert changed.resource.created_at == found.resource.created_at
    assert (await dator.delete(str(identifier))) == changed


async def test_an_original_event_has_its_defaults_and_its_instants(
    database: AsyncDatabase[Document],
) -> None:
    identifier = new_id()
    await database["original"].insert_one({"_id": identifier, **LEGACY_EVENT})
    dator = EventDator(
        "original",
        database["original"],
        Schema(Event, {"timezone": "Europe/Berlin"}),
        NoStore(),
    )
    event = (await dator.find(str(identifier))).resource
    assert (event.time, event.place, event.organizer, event.topics) == ("19:30:00", "", "", "")
    assert event.starts_at == event.ends_at == datetime(2019, 6, 1, 17, 30, tzinfo=UTC)


async def test_an_original_notification_is_answered_in_utc(
    database: AsyncDatabase[Document],
) -> None:
    identifier = new_id()
    await database["original"].insert_one({"_id": identifier, **LEGACY_NOTIFICATION})
    dator = NotificationDator("original", database["original"], Schema(Notification), NoStore())
    notification = (await dator.find(str(identifier))).resource
    assert notification.scheduled_time == "2019-06-01T17:30:00Z"
    assert (notification.status, notification.attempts) == ("pending", 0)


@pytest.mark.parametrize("kind", [KINDS["events"]])
async def test_an_original_date_that_nobody_understands_is_answered_as_it_is(
    dator: Dator[Any], database: AsyncDatabase[Document]
) -> None:
    odd = {**LEGACY_EVENT, "_id": new_id(), "date": "01/06/2019", "time": "half past"}
    await database["resources"].insert_one(odd)
    event = (await dator.page(1)).resources[0]
    assert (event.date, event.time) == ("01/06/2019", "half past")
    assert (event.starts_at, event.ends_at) == (None, None)


@pytest.mark.parametrize("kind", [KINDS["events"]])
async def test_a_part_of_a_location_changes_only_within_a_location(
    kind: Kind, dator: Dator[Any]
) -> None:
    part = kind.schema.parse_patch({"location": {"latitude": 1}})
    stored = await dator.insert(kind.schema.parse(EVENT))
    changed = await dator.patch(stored.resource.id, part)
    assert msgspec.to_builtins(changed.resource.location) == {"latitude": 1, "longitude": 13.405}
    nowhere = await dator.insert(kind.schema.parse({**EVENT, "location": None}))
    with pytest.raises(InvalidResource, match="/location/longitude"):
        await dator.patch(nowhere.resource.id, part)
    assert await dator.find(nowhere.resource.id) == nowhere
    with pytest.raises(ResourceNotFound):
        await dator.patch("f" * 24, part)


class Commands(CommandListener):
    """What a driver has asked MongoDB to do."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.last: dict[str, Any] = {}

    def started(self, event: CommandStartedEvent) -> None:
        self.names.append(event.command_name)
        self.last = dict(event.command)

    def succeeded(self, _event: object) -> None:
        pass

    def failed(self, _event: object) -> None:
        pass


async def test_each_method_is_one_operation_found_by_the_index_of_ids(
    kind: Kind, mongodb: EmbeddedMongoDB
) -> None:
    commands = Commands()
    async with AsyncMongoClient[Document](
        mongodb.uri, event_listeners=[commands], tz_aware=True
    ) as client:
        collection = client["operations"][kind.text]
        dator = kind.dator_class("resources", collection, kind.schema, NoStore())
        resource = kind.schema.parse(kind.example)
        identifier = (await dator.insert(resource)).resource.id
        assert commands.names == ["insert"]
        for method in (
            dator.find(identifier),
            dator.page(10, new_id()),
            dator.replace(identifier, resource),
            dator.patch(identifier, Patch({kind.text: "Another text"}, {}, ())),
            dator.delete(identifier),
        ):
            commands.names.clear()
            await method
            assert len(commands.names) == 1
            parts = {"lsid", "$db", "txnNumber"}
            asked = {name: part for name, part in commands.last.items() if name not in parts}
            explained = await client["operations"].command("explain", asked)
            plan = str(explained["queryPlanner"]["winningPlan"])
            assert "IDHACK" in plan or "'indexName': '_id_'" in plan
            assert "COLLSCAN" not in plan


async def test_without_mongodb_every_method_says_so(kind: Kind, tmp_path: Any) -> None:
    async with AsyncMongoClient[Document](
        f"mongodb://{str(tmp_path / 'no.sock').replace('/', '%2F')}", timeoutMS=50
    ) as client:
        dator = kind.dator_class("none", client["none"]["none"], kind.schema, NoStore())
        resource = kind.schema.parse(kind.example)
        for method in (
            dator.insert(resource),
            dator.find("f" * 24),
            dator.page(1),
            dator.replace("f" * 24, resource),
            dator.patch("f" * 24, Patch({}, {}, ())),
            dator.delete("f" * 24),
        ):
            with pytest.raises(DatabaseUnavailable):
                await method
