"""One contract for both dators, on a real MongoDB."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.errors import (
    DatabaseTooNew,
    DatabaseUnavailable,
    InvalidResource,
    ResourceNotFound,
)
from microservice_chassis.schema.patch import Patch
from microservice_chassis.storage.client import Document, connect
from microservice_chassis.storage.codec import FORM
from microservice_chassis.storage.dator import Dator
from tests.examples import EVENT
from tests.kinds import EVENTS, Kind


async def test_what_is_inserted_is_found(kind: Kind, dator: Dator[Any]) -> None:
    inserted = await dator.insert(dator.schema.parse(kind.example))
    assert inserted.revision == 1
    assert await dator.find(inserted.resource.id) == inserted
    members = msgspec.to_builtins(inserted.resource)
    assert {name: members[name] for name in kind.example} == kind.example


async def test_replacing_changes_every_member_and_keeps_the_creation(
    kind: Kind, dator: Dator[Any]
) -> None:
    before = await dator.insert(dator.schema.parse(kind.example))
    document = {**kind.example, kind.text: "Another text"}
    after = await dator.replace(before.resource.id, dator.schema.parse(document))
    assert after == await dator.find(before.resource.id)
    assert after.revision == 2
    assert getattr(after.resource, kind.text) == "Another text"
    assert after.resource.created_at == before.resource.created_at
    assert after.resource.updated_at >= before.resource.updated_at


async def test_a_patch_changes_only_its_members(kind: Kind, dator: Dator[Any]) -> None:
    before = await dator.insert(dator.schema.parse(kind.example))
    after = await dator.patch(before.resource.id, Patch({kind.text: "Another text"}))
    assert after == await dator.find(before.resource.id)
    assert after.revision == 2
    changed = {kind.text: "Another text", "updated_at": after.resource.updated_at}
    assert after.resource == msgspec.structs.replace(before.resource, **changed)


async def test_what_is_deleted_is_returned_and_gone(kind: Kind, dator: Dator[Any]) -> None:
    inserted = await dator.insert(dator.schema.parse(kind.example))
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
    resource = dator.schema.parse(kind.example)
    with pytest.raises(ResourceNotFound):
        await dator.find(identifier)
    with pytest.raises(ResourceNotFound):
        await dator.replace(identifier, resource)
    with pytest.raises(ResourceNotFound):
        await dator.patch(identifier, Patch({}))
    with pytest.raises(ResourceNotFound):
        await dator.delete(identifier)


TIMES = {
    "events": ["starts_at", "ends_at", "created_at", "updated_at"],
    "notifications": ["scheduled_time", "created_at", "updated_at"],
}


async def test_times_are_kept_as_bson_dates(kind: Kind, dator: Dator[Any]) -> None:
    stored = await dator.insert(dator.schema.parse(kind.example))
    identifier = stored.resource.id
    for write in (
        dator.patch(identifier, Patch({kind.text: "Another text"})),
        dator.replace(identifier, dator.schema.parse(kind.example)),
        dator.patch(identifier, dator.schema.parse_patch(kind.example)),
    ):
        stored = await write
        document = await dator.collection.find_one({})
        assert document
        for name in TIMES[dator.name]:
            assert document[name] == getattr(stored.resource, name)
            assert isinstance(document[name], datetime)
        assert document["form"] == FORM


async def test_what_a_patch_changes_changes_what_is_derived_from_it(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database)
    stored = await dator.insert(dator.schema.parse(EVENT))
    changed = await dator.patch(stored.resource.id, Patch({"timezone": "UTC"}))
    assert changed.resource.starts_at == datetime(2027, 5, 1, 20, tzinfo=UTC)
    document = await dator.collection.find_one({})
    assert document
    assert document["starts_at"] == datetime(2027, 5, 1, 20, tzinfo=UTC)
    assert document["ends_at"] == datetime(2027, 5, 1, 22, tzinfo=UTC)


async def test_patches_at_the_same_time_all_count(database: AsyncDatabase[Document]) -> None:
    dators = [EVENTS.dator(database) for _ in range(4)]
    stored = await dators[0].insert(dators[0].schema.parse(EVENT))
    patches: list[dict[str, Any]] = [{"time": f"{hour:02}:00:00"} for hour in range(24)]
    patches += [{"timezone": zone} for zone in ("UTC", "Asia/Tokyo", "Europe/Berlin")]
    patches += [{"duration": f"PT{hours}H"} for hours in range(1, 5)]
    patches += [{"title": f"Title {number}"} for number in range(8)]
    patches += [{"location": {"latitude": number}} for number in range(8)]
    results = await asyncio.gather(
        *(
            dators[number % 4].patch(stored.resource.id, dators[0].schema.parse_patch(patch))
            for number, patch in enumerate(patches)
        )
    )
    assert sorted(result.revision for result in results) == list(range(2, len(patches) + 2))
    found = await dators[0].find(stored.resource.id)
    assert found.resource == found.resource.with_derived()
    document = await dators[0].collection.find_one({})
    assert document
    assert document["starts_at"] == found.resource.starts_at
    assert document["ends_at"] == found.resource.ends_at


async def test_a_text_that_looks_like_an_expression_stays_a_text(
    kind: Kind, dator: Dator[Any]
) -> None:
    stored = await dator.insert(dator.schema.parse(kind.example))
    text = "$$NOW and $title and $$ROOT"
    changed = await dator.patch(stored.resource.id, Patch({kind.text: text}))
    assert getattr(changed.resource, kind.text) == text
    resource = dator.schema.parse({**kind.example, kind.text: text})
    assert getattr((await dator.replace(stored.resource.id, resource)).resource, kind.text) == text


async def test_a_part_of_a_location_changes_only_within_a_location(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database)
    part = dator.schema.parse_patch({"location": {"latitude": 1}})
    stored = await dator.insert(dator.schema.parse(EVENT))
    changed = await dator.patch(stored.resource.id, part)
    assert msgspec.to_builtins(changed.resource.location) == {"latitude": 1, "longitude": 13.405}
    nowhere = await dator.insert(dator.schema.parse({**EVENT, "location": None}))
    with pytest.raises(InvalidResource, match="/location/longitude"):
        await dator.patch(nowhere.resource.id, part)
    assert await dator.find(nowhere.resource.id) == nowhere
    with pytest.raises(ResourceNotFound):
        await dator.patch("f" * 24, part)


async def test_without_mongodb_every_method_says_so(kind: Kind, tmp_path: Any) -> None:
    async with connect(f"mongodb://{str(tmp_path / 'no.sock').replace('/', '%2F')}") as client:
        dator = kind.dator(client["none"])
        resource = dator.schema.parse(kind.example)
        results = await asyncio.gather(
            dator.check(),
            dator.insert(resource),
            dator.find("f" * 24),
            dator.page(dator.query(limit=1)),
            dator.replace("f" * 24, resource),
            dator.patch("f" * 24, Patch({})),
            dator.delete("f" * 24),
            return_exceptions=True,
        )
    assert {type(result) for result in results} == {DatabaseUnavailable}


async def test_a_database_of_a_newer_form_is_refused(
    kind: Kind, database: AsyncDatabase[Document]
) -> None:
    newer = kind.dator(database)
    await newer.codec()
    await database["Deployment"].update_one({}, {"$inc": {"form": 1}})
    dator = kind.dator(database)
    forms = f"form {FORM + 1}, and this version knows forms up to {FORM}"
    with pytest.raises(DatabaseTooNew, match=forms):
        await dator.page(dator.query(limit=1))
