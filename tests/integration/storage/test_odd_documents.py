"""Documents that other programs wrote: what cannot be read harms nothing else."""

from __future__ import annotations

import json
import logging
import random
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS, RawBSONDocument
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.errors import StateConflict, UnchangeableResource, UnreadableResource
from microservice_chassis.schema.patch import Patch
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.raw_bson import decode
from tests.examples import EVENT
from tests.kinds import EVENTS, KINDS, NOTIFICATIONS, Kind
from tests.odd_documents import odd_document


class Missing:
    """What stands for a member that a document does not have."""

    def __repr__(self) -> str:
        return "missing"


MISSING = Missing()

# Of each kind: the member that is odd, what it is, and the pointers of the problem.
ODD: list[tuple[str, str, Any, str]] = [
    ("events", "title", MISSING, "/title"),
    ("events", "title", None, "/title"),
    ("events", "title", 7, "/title"),
    ("events", "title", True, "/title"),
    ("events", "title", ["a"], "/title"),
    ("events", "title", Binary(b"a"), "/title"),
    ("events", "title", Regex("a"), "/title"),
    ("events", "description", Decimal128("1.5"), "/description"),
    ("events", "date", "01/06/2019", "/date"),
    ("events", "date", datetime(2027, 5, 1, tzinfo=UTC), "/date"),
    ("events", "time", "half past", "/time"),
    ("events", "time", MISSING, "/time"),
    ("events", "timezone", "Mars/Olympus", "/timezone"),
    ("events", "timezone", "", "/timezone"),
    ("events", "timezone", 1, "/timezone"),
    ("events", "duration", "two hours", "/duration"),
    ("events", "duration", 2, "/duration"),
    ("events", "location", "here", "/location"),
    ("events", "location", {"latitude": 1}, "/location"),
    ("events", "location", {"latitude": "1", "longitude": 2}, "/location"),
    ("events", "created_at", "yesterday", "/created_at"),
    ("events", "created_at", DatetimeMS(10**16), "/created_at"),
    ("events", "updated_at", 5, "/updated_at"),
    ("events", "revision", "7", ""),
    ("events", "revision", 1.5, ""),
    ("events", "revision", True, ""),
    ("events", "revision", [1], ""),
    ("events", "revision", Int64(2**63 - 1), ""),
    ("events", "place", ["Berlin"], "/place"),
    ("notifications", "scheduled_time", [datetime(2027, 5, 1, tzinfo=UTC)], "/scheduled_time"),
    ("notifications", "scheduled_time", "soon", "/scheduled_time"),
    ("notifications", "scheduled_time", MISSING, "/scheduled_time"),
    ("notifications", "scheduled_time", DatetimeMS(-(10**16)), "/scheduled_time"),
    ("notifications", "to_mail", None, "/to_mail"),
    ("notifications", "status", "lost", "/status"),
    ("notifications", "status", 3, "/status"),
    ("notifications", "attempts", "many", "/attempts"),
    ("notifications", "sent_at", "never", "/sent_at"),
    ("notifications", "last_error", 5, "/last_error"),
]
IDS = [f"{kind}-{member}-{value!r}" for kind, member, value, _ in ODD]


async def insert_between(dator: Dator[Any], kind: Kind, member: str, value: Any) -> list[ObjectId]:
    """Insert a good document, one whose member is odd, and another good one."""
    keys = []
    for number in range(3):
        stored = await dator.insert(dator.schema.parse(kind.example))
        keys.append(ObjectId(stored.resource.id))
        if number == 1:
            change = {"$unset": {member: ""}} if value is MISSING else {"$set": {member: value}}
            await dator.collection.update_one({"_id": keys[1]}, change)
    return keys


async def raw_bytes(dator: Dator[Any], key: ObjectId) -> bytes:
    collection = dator.collection.with_options(codec_options=DEFAULT_RAW_BSON_OPTIONS)
    document = await collection.find_one({"_id": key})
    assert document is not None
    return bytes(document.raw)


@pytest.mark.parametrize(("name", "member", "value", "pointer"), ODD, ids=IDS)
async def test_what_cannot_be_read_is_left_out_named_once_repaired_and_removed(
    database: AsyncDatabase[Document],
    caplog: pytest.LogCaptureFixture,
    name: str,
    member: str,
    value: Any,
    pointer: str,
) -> None:
    kind = KINDS[name]
    dator = kind.dator(database)
    before, odd, behind = await insert_between(dator, kind, member, value)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            found = [
                json.loads(each)["id"]
                for each in (await dator.page(dator.query(limit=10))).representations
            ]
            assert found == [str(before), str(behind)]
        with pytest.raises(UnreadableResource) as unreadable:
            await dator.find(str(odd))
    assert [rule.pointer for rule in unreadable.value.broken_rules] == [pointer]
    assert all(rule.detail.startswith(("must be", "its")) for rule in unreadable.value.broken_rules)
    assert caplog.text.count(str(odd)) == 1

    kept = await raw_bytes(dator, odd)
    with pytest.raises(UnchangeableResource) as unchangeable:
        await dator.patch(str(odd), Patch({kind.text: "Another text"}))
    assert unchangeable.value.broken_rules == unreadable.value.broken_rules
    assert await raw_bytes(dator, odd) == kept

    replaced = await dator.replace(str(odd), dator.schema.parse(kind.example))
    assert await dator.find(str(odd)) == replaced
    assert replaced.revision > 1
    assert replaced.resource.created_at is not None
    assert len((await dator.page(dator.query(limit=10))).representations) == 3
    assert (await dator.patch(str(odd), Patch({}))).revision == replaced.revision + 1


@pytest.mark.parametrize(("name", "member", "value", "pointer"), ODD, ids=IDS)
async def test_what_cannot_be_read_can_be_deleted(
    database: AsyncDatabase[Document], name: str, member: str, value: Any, pointer: str
) -> None:
    assert pointer is not None
    kind = KINDS[name]
    dator = kind.dator(database)
    _, odd, _ = await insert_between(dator, kind, member, value)
    deleted = await dator.delete(str(odd))
    assert deleted.resource.id == str(odd)
    assert await dator.collection.find_one({"_id": odd}) is None


@pytest.mark.parametrize(
    ("name", "member", "expected"),
    [
        ("events", "place", ""),
        ("events", "topics", ""),
        ("events", "timezone", "UTC"),
        ("events", "duration", None),
        ("events", "location", None),
        ("notifications", "status", "pending"),
        ("notifications", "attempts", 0),
    ],
)
@pytest.mark.parametrize("value", [None, MISSING], ids=["null", "missing"])
async def test_an_optional_member_that_is_null_or_missing_reads_as_its_default(
    database: AsyncDatabase[Document], name: str, member: str, expected: Any, value: Any
) -> None:
    kind = KINDS[name]
    dator = kind.dator(database)
    _, odd, _ = await insert_between(dator, kind, member, value)
    assert getattr((await dator.find(str(odd))).resource, member) == expected
    assert len((await dator.page(dator.query(limit=10))).representations) == 3
    assert (await dator.patch(str(odd), Patch({kind.text: "Another text"}))).revision == 2


async def test_null_recorded_members_read_as_those_of_the_original(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database)
    identifier = ObjectId.from_datetime(datetime(2019, 5, 1, tzinfo=UTC))
    nulls = {"revision": None, "created_at": None, "updated_at": None, "form": None}
    await dator.collection.insert_one({"_id": identifier, **EVENT, **nulls})
    found = await dator.find(str(identifier))
    assert (found.revision, found.resource.created_at) == (0, datetime(2019, 5, 1, tzinfo=UTC))
    assert (await dator.patch(str(identifier), Patch({"title": "New"}))).revision == 1
    replaced = await dator.replace(str(identifier), dator.schema.parse(EVENT))
    assert replaced.resource.created_at == datetime(2019, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("identifier", ["text", 7, "a" * 24, None, {"a": 1}, ObjectId(b"\0" * 12)])
async def test_documents_with_any_id_leave_pages_and_cursors_right(
    database: AsyncDatabase[Document], identifier: Any
) -> None:
    dator = EVENTS.dator(database)
    created = [(await dator.insert(dator.schema.parse(EVENT))).resource.id for _ in range(3)]
    await dator.collection.insert_one({**EVENT, "_id": identifier})
    found: list[str] = []
    cursor = None
    for _ in range(5):
        page = await dator.page(dator.query(limit=1, cursor=cursor))
        found.extend(json.loads(each)["id"] for each in page.representations)
        cursor = page.next
        if cursor is None:
            break
    expected = [str(identifier), *created] if isinstance(identifier, ObjectId) else created
    assert (found, cursor) == (expected, None)


async def test_a_text_that_is_not_utf_8_is_read_with_replacements(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database)
    stored = await dator.insert(dator.schema.parse({**EVENT, "title": "Jazz????"}))
    document = await dator.collection.find_one({})
    assert document
    raw = RawBSONDocument(
        bson.encode({**document, "_id": ObjectId()}).replace(b"????", b"\xff\xfe!!")
    )
    await dator.collection.insert_one(raw)
    page = [
        json.loads(each)["title"]
        for each in (await dator.page(dator.query(limit=10))).representations
    ]
    assert sorted(page) == sorted(["Jazz????", "Jazz\ufffd\ufffd!!"])
    assert (await dator.find(stored.resource.id)).resource.title == "Jazz????"


async def test_more_members_than_the_resource_has_are_kept_and_not_answered(
    database: AsyncDatabase[Document],
) -> None:
    dator = EVENTS.dator(database)
    stored = await dator.insert(dator.schema.parse(EVENT))
    await dator.collection.update_one({}, {"$set": {"color": "red", "revision": Int64(2**40)}})
    found = await dator.find(stored.resource.id)
    assert found.revision == 2**40
    assert found.resource == stored.resource
    replaced = await dator.replace(stored.resource.id, dator.schema.parse(EVENT))
    assert replaced.revision == 2**40 + 1
    document = await dator.collection.find_one({})
    assert document
    assert document["color"] == "red"


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("form", [{}, {"form": 1}], ids=["earlier", "today"])
async def test_whatever_a_document_is_patch_changes_or_refuses_it_and_put_repairs_it(
    database: AsyncDatabase[Document], name: str, form: Document
) -> None:
    kind = KINDS[name]
    dice = random.Random(2027)
    dator = kind.dator(database)
    refused = 0
    for _ in range(300):
        key = ObjectId()
        await dator.collection.insert_one(
            {"_id": key, **odd_document(dice, kind.example, oddity=0.1), **form}
        )
        before = await raw_bytes(dator, key)
        try:
            patched = await dator.patch(str(key), Patch({kind.text: "Another text"}))
            assert await dator.find(str(key)) == patched
        except (UnchangeableResource, StateConflict):
            refused += 1
            assert await raw_bytes(dator, key) == before
        if kind is NOTIFICATIONS and decode(before).get("status") == "sent":
            with pytest.raises(StateConflict):
                await dator.replace(str(key), dator.schema.parse(kind.example))
            continue
        replaced = await dator.replace(str(key), dator.schema.parse(kind.example))
        assert await dator.find(str(key)) == replaced
    assert 50 < refused < 290
