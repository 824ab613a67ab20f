"""Claims on notifications that are due: whose they are, until when, and what is recorded."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import Document, connect
from microservice_chassis.storage.server_clock import ServerClock
from notifications_microservice.models.claim_updates import LEASE_S, Record
from notifications_microservice.models.claims import Batch
from tests.commands import Commands
from tests.integration.delivery.post import DAY_S, Post


@pytest.fixture
async def post(database: AsyncDatabase[Document]) -> Post:
    post = Post(database)
    await post.claims.prepare()
    return post


def keys(batch: Batch) -> list[ObjectId]:
    return [each.key for each in batch.claimed]


def sent(batch: Batch) -> list[Record]:
    return [Record(key, "sent", "250 ok", "sent") for key in keys(batch)]


async def test_what_is_due_is_claimed_for_the_time_of_a_lease(post: Post) -> None:
    (identifier,) = await post.create()
    post.stamps.changed.clear()
    batch = await post.claim()
    (claimed,) = batch.claimed
    assert claimed.notification == await post.notification(identifier)
    assert claimed.notification.status == "sending"
    document = await post.document(identifier)
    assert document["revision"] == 2
    lease = document["due_at"] - document["updated_at"]
    assert lease == timedelta(seconds=LEASE_S)
    assert post.stamps.changed == {"notifications", f"notifications/{identifier}"}
    assert (await post.claims.waiting(10)).due == {}


async def test_what_is_not_due_is_not_claimed_and_tells_when_it_will_be(post: Post) -> None:
    await post.create(ago_s=-60)
    waiting = await post.claims.waiting(10)
    assert waiting.due == {}
    assert waiting.next_s
    assert 50 < waiting.next_s <= 60
    assert (await post.claim()).claimed == []


async def test_what_is_put_off_between_the_look_and_the_claim_is_not_claimed(post: Post) -> None:
    (identifier,) = await post.create()
    due = (await post.claims.waiting(10)).due
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await post.dator.patch(identifier, post.dator.schema.parse_patch({"scheduled_time": later}))
    assert (await post.claims.claim(due, "me.1", DAY_S)).claimed == []
    assert (await post.notification(identifier)).status == "pending"


async def test_without_any_that_waits_there_is_no_next_one(post: Post) -> None:
    assert await post.claims.waiting(10) == ({}, None)


async def test_a_full_page_of_what_is_due_says_that_there_may_be_more(post: Post) -> None:
    await post.create(3)
    waiting = await post.claims.waiting(2)
    assert (len(waiting.due), waiting.next_s) == (2, 0)


async def test_of_many_who_claim_at_once_each_gets_what_nobody_else_has(post: Post) -> None:
    created = await post.create(60)
    batches = await asyncio.gather(*(post.claim() for _ in range(6)))
    claimed = [str(key) for batch in batches for key in keys(batch)]
    assert sorted(claimed) == sorted(created)


async def test_a_million_that_are_not_due_cost_nothing(
    mongodb: EmbeddedMongoDB,
) -> None:
    commands = Commands()
    async with connect(mongodb.uri, [commands]) as client:
        database = client[f"test-{uuid4()}"]
        post = Post(database)
        await post.claims.prepare()
        (identifier,) = await post.create(ago_s=-DAY_S)
        document = await post.document(identifier)
        await post.dator.collection.insert_many(
            {**document, "_id": ObjectId()} for _ in range(2_000)
        )
        await post.claims.waiting(50)
        asked = {
            name: commands.last[name]
            for name in ("find", "filter", "projection", "sort", "limit", "hint")
        }
        explained = await database.command("explain", asked, verbosity="executionStats")
        assert explained["executionStats"]["totalKeysExamined"] <= 51
        assert explained["executionStats"]["totalDocsExamined"] <= 51
        await client.drop_database(database.name)


async def test_what_was_due_for_too_long_when_it_is_first_seen_is_missed(post: Post) -> None:
    (late,) = await post.create(ago_s=DAY_S + 5)
    (timely,) = await post.create(ago_s=DAY_S - 60)
    batch = await post.claim(missed_after_s=DAY_S)
    assert (keys(batch), batch.missed) == ([ObjectId(timely)], 1)
    missed = await post.notification(late)
    assert (missed.status, missed.attempts, missed.history) == ("missed", 0, ())
    assert missed.last_error == (
        "it had been due for more than 86400 s when the delivery first saw it"
    )
    assert "due_at" not in await post.document(late)
    assert f"notifications/{late}" in post.stamps.changed


async def test_what_has_been_tried_or_claimed_is_never_missed(post: Post) -> None:
    (tried,) = await post.create(ago_s=DAY_S + 5)
    (claimed,) = await post.create(ago_s=10)
    await post.dator.collection.update_one({"_id": ObjectId(tried)}, {"$set": {"attempts": 1}})
    await post.claim()
    long_ago = datetime.now(UTC) - timedelta(days=3)
    await post.dator.collection.update_many({}, {"$set": {"due_at": long_ago}})
    batch = await post.claim(missed_after_s=DAY_S)
    assert (sorted(map(str, keys(batch))), batch.missed) == (sorted([tried, claimed]), 0)


async def test_what_is_sent_is_recorded_and_never_due_again(post: Post) -> None:
    (identifier,) = await post.create()
    batch = await post.claim()
    post.stamps.changed.clear()
    assert await post.claims.record(batch.claim, sent(batch)) == 1
    found = await post.notification(identifier)
    (attempt,) = found.history
    assert (found.status, found.attempts, found.last_error) == ("sent", 1, None)
    assert (attempt.outcome, attempt.detail) == ("sent", "250 ok")
    assert found.sent_at == found.updated_at == attempt.at
    document = await post.document(identifier)
    assert "due_at" not in document
    assert document["revision"] == 3
    assert "record" not in document
    assert post.stamps.changed == {"notifications", f"notifications/{identifier}"}
    assert await post.claims.recorded(batch.claim, keys(batch)) == set(keys(batch))


async def test_one_update_records_what_became_of_each(post: Post) -> None:
    first, second, third = await post.create(3)
    batch = await post.claim()
    records = [
        Record(ObjectId(first), "deferred", "451 later", "pending", again_s=90.5),
        Record(ObjectId(second), "refused", "550 $title", "failed"),
        Record(ObjectId(third), "sent", "250 ok", "sent"),
    ]
    assert await post.claims.record(batch.claim, records) == 3
    found = [await post.notification(each) for each in (first, second, third)]
    assert [each.status for each in found] == ["pending", "failed", "sent"]
    assert [each.last_error for each in found] == ["451 later", "550 $title", None]
    assert [each.sent_at is not None for each in found] == [False, False, True]
    document = await post.document(first)
    assert document["due_at"] - document["updated_at"] == timedelta(seconds=90.5)
    assert "due_at" not in await post.document(second)


async def test_the_history_keeps_the_last_attempts(post: Post) -> None:
    (identifier,) = await post.create()
    for number in range(22):
        batch = await post.claim()
        record = Record(ObjectId(identifier), "deferred", f"451 {number}", "pending", again_s=0)
        assert await post.claims.record(batch.claim, [record]) == 1
    found = await post.notification(identifier)
    assert found.attempts == 22
    assert [each.detail for each in found.history] == [f"451 {number}" for number in range(2, 22)]


async def test_behind_the_lease_another_takes_over_and_the_first_one_changes_nothing(
    post: Post,
) -> None:
    (identifier,) = await post.create()
    first = await post.claim()
    await post.lease_ends()
    second = await post.claim()
    assert keys(second) == keys(first)
    before = await post.document(identifier)
    assert await post.claims.record(first.claim, sent(first)) == 0
    assert await post.claims.release(first.claim, keys(first)) == 0
    assert await post.document(identifier) == before
    assert await post.claims.record(second.claim, sent(second)) == 1
    assert await post.claims.record(second.claim, sent(second)) == 0
    assert (await post.notification(identifier)).attempts == 1


async def test_what_was_released_is_due_again_as_it_was(post: Post) -> None:
    (identifier,) = await post.create()
    before = await post.notification(identifier)
    batch = await post.claim()
    assert await post.claims.release(batch.claim, keys(batch)) == 1
    after = await post.notification(identifier)
    assert (after.status, after.attempts, after.history) == ("pending", 0, ())
    assert (await post.claims.waiting(10)).due == {ObjectId(identifier): before.scheduled_time}


async def test_what_one_has_claimed_who_is_no_more_is_released(post: Post) -> None:
    await post.create(4)
    dead, alive = "dead", "deadly"
    waiting = await post.claims.waiting(10)
    due = list(waiting.due.items())
    await post.claims.claim(dict(due[:2]), f"{dead}.1", DAY_S)
    await post.claims.claim(dict(due[2:]), f"{alive}.1", DAY_S)
    assert await post.claims.release_all(f"{dead}.") == 2
    assert set((await post.claims.waiting(10)).due) == {key for key, _ in due[:2]}


async def test_an_edition_counts_the_changes_of_clients_only(post: Post) -> None:
    (identifier,) = await post.create()
    for number in range(1, 4):
        batch = await post.claim()
        assert [each.edition for each in batch.claimed] == [number]
        await post.claims.release(batch.claim, keys(batch))
        batch = await post.claim()
        assert [each.edition for each in batch.claimed] == [number]
        record = Record(ObjectId(identifier), "deferred", "451", "pending", again_s=0)
        await post.claims.record(batch.claim, [record])
        patch = post.dator.schema.parse_patch({"subject": f"Subject number {number}"})
        await post.dator.patch(identifier, patch)


async def test_since_when_it_could_be_sent_is_the_later_of_its_time_and_the_last_change(
    post: Post,
) -> None:
    (late,) = await post.create(ago_s=3_600)
    created = await post.notification(late)
    (due_at,) = (await post.claims.waiting(10)).due.values()
    assert due_at == created.updated_at
    await post.dator.collection.update_one({}, {"$set": {"updated_at": datetime(2026, 1, 1)}})
    (due_at,) = (await post.claims.waiting(10)).due.values()
    assert due_at == created.scheduled_time


@pytest.mark.parametrize(
    ("member", "value"),
    [("attempts", "many"), ("history", "long"), ("revision", "new"), ("recordings", None)],
)
async def test_what_another_program_has_written_stops_nobody(
    post: Post, member: str, value: Any
) -> None:
    (identifier,) = await post.create()
    await post.dator.collection.update_one({}, {"$set": {member: value}})
    batch = await post.claim()
    assert keys(batch) == [ObjectId(identifier)]
    assert await post.claims.record(batch.claim, sent(batch)) == 1
    assert (await post.claims.waiting(10)).due == {}


async def test_what_cannot_be_read_is_claimed_without_its_content(post: Post) -> None:
    await post.create()
    await post.dator.collection.update_one({}, {"$set": {"subject": 7}})
    (claimed,) = (await post.claim()).claimed
    assert claimed.notification is None
    assert claimed.unreadable.startswith("/subject must be")


@pytest.mark.parametrize("status", ["sent", "failed", "missed"])
async def test_what_is_final_is_not_claimed_whatever_its_time_says(post: Post, status: str) -> None:
    (identifier,) = await post.create()
    await post.dator.collection.update_one({}, {"$set": {"status": status}})
    assert (await post.claim()).claimed == []
    assert (await post.notification(identifier)).status == status
    assert (await post.claims.waiting(10)).due == {}


async def test_nothing_is_claimed_or_recorded_behind_a_deadline(mongodb: EmbeddedMongoDB) -> None:
    commands = Commands()
    async with connect(mongodb.uri, [commands]) as client:
        post = Post(client[f"test-{uuid4()}"])
        await post.claims.prepare()
        (identifier,) = await post.create()
        for step in ("claim", "record"):
            ServerClock.of(client).tell(datetime.now(UTC) - timedelta(hours=1))
            commands.names.clear()
            if step == "claim":
                batch = await post.claim()
                assert commands.names == ["find", "update", "find", "update", "find"]
            else:
                await post.claims.record(batch.claim, sent(batch))
                assert commands.names == ["update", "find", "update"]
        assert (await post.notification(identifier)).status == "sent"
        await client.drop_database(post.dator.collection.database.name)
