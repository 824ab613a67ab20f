"""What a client may do with a notification depends on how far its delivery is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from bson import ObjectId
from pymongo.asynchronous.collection import AsyncCollection

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import Document, connect
from tests.commands import Commands
from tests.examples import NOTIFICATION
from tests.integration.asgi import Answer
from tests.integration.http.served import Served, problem, serving
from tests.kinds import NOTIFICATIONS

AT = datetime(2027, 5, 1, 16, 0, 3, tzinfo=UTC)
HISTORY = [{"at": AT, "outcome": "deferred", "detail": "451 later"}]
LATER = "2027-05-02T16:00:00Z"

WRITES = ["PUT", "PATCH", "DELETE"]


class Delivered:
    """A notification of a running service, and the hand of whoever delivers it."""

    def __init__(self, served: Served, documents: AsyncCollection[Document], path: str) -> None:
        self.path = path
        self.documents = documents
        self._served = served

    async def becomes(self, **recorded: Any) -> None:
        """Record something, as a delivery does, in a revision of its own."""
        change = {"$set": recorded, "$inc": {"revision": 1}, "$unset": {"due_at": ""}}
        assert (await self.documents.update_one({}, change)).matched_count == 1

    async def write(self, method: str, tag: str = "", **members: Any) -> Answer:
        given = {**NOTIFICATION, **members} if method == "PUT" else members
        body = b"" if method == "DELETE" else json.dumps(given).encode()
        headers = {"if-match": tag} if tag else {}
        return await self._served.worker.request(method, self.path, body, headers)

    async def read(self) -> dict[str, Any]:
        """Its representation."""
        found: dict[str, Any] = json.loads(
            (await self._served.worker.request("GET", f"{self.path}?")).body
        )
        return found

    async def document(self) -> Document:
        found = await self.documents.find_one({})
        assert found
        return found


@pytest.fixture
async def one(mongodb: EmbeddedMongoDB) -> AsyncIterator[Delivered]:
    name = f"test-{uuid4()}"
    async with (
        serving("notifications", mongodb, mongodb_database=name, cache_type="null") as served,
        connect(mongodb.uri) as client,
    ):
        yield Delivered(served, client[name]["Notifications"], await served.create())


async def test_a_new_notification_is_due_at_its_time_and_has_no_history(one: Delivered) -> None:
    found = await one.read()
    assert (found["status"], found["attempts"], found["history"]) == ("pending", 0, [])
    document = await one.document()
    assert document["due_at"] == document["scheduled_time"]


async def test_the_history_is_answered_at_the_item_and_in_the_list(one: Delivered) -> None:
    await one.becomes(status="sent", attempts=1, sent_at=AT, history=HISTORY)
    attempt = {"at": "2027-05-01T16:00:03Z", "outcome": "deferred", "detail": "451 later"}
    assert (await one.read())["history"] == [attempt]
    listed = await one._served.worker.request("GET", "/notifications")
    assert json.loads(listed.body) == [await one.read()]


@pytest.mark.parametrize("tag", ["", '"a"', "current"])
@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("recorded", [{"status": "sending"}, {"status": "sending", "attempts": 2}])
async def test_what_is_being_sent_can_be_neither_changed_nor_deleted(
    one: Delivered, method: str, recorded: dict[str, Any], tag: str
) -> None:
    await one.becomes(**recorded)
    before = await one.document()
    tag = f'"{before["_id"]}-2"' if tag == "current" else tag
    refused = problem(await one.write(method, tag, scheduled_time=LATER), 409)
    assert "is being sent" in refused["detail"]
    assert await one.document() == before


@pytest.mark.parametrize("tag", ["", '"a"'])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_what_is_sent_can_only_be_deleted(one: Delivered, method: str, tag: str) -> None:
    await one.becomes(status="sent", attempts=1, sent_at=AT)
    refused = problem(await one.write(method, tag, scheduled_time=LATER), 409)
    assert "can only be deleted" in refused["detail"]
    problem(await one.write("DELETE", '"a"'), 412)
    assert (await one.write("DELETE")).status == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("status", ["failed", "missed"])
async def test_what_has_failed_is_sent_again_when_it_is_given_a_new_time(
    one: Delivered, status: str, method: str
) -> None:
    await one.becomes(status=status, attempts=3, last_error="550 no", history=HISTORY)
    changed = json.loads((await one.write(method, scheduled_time=LATER)).body)
    assert (changed["status"], changed["attempts"], changed["last_error"]) == ("pending", 0, None)
    assert len(changed["history"]) == 1
    assert await one.read() == changed
    document = await one.document()
    assert document["due_at"] == document["scheduled_time"]
    assert "last_error" not in document


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("status", ["failed", "missed"])
async def test_what_has_failed_stays_so_while_its_time_stays(
    one: Delivered, status: str, method: str
) -> None:
    await one.becomes(status=status, attempts=3, last_error="550 no", history=HISTORY)
    changed = json.loads((await one.write(method, to_mail="other@example.com")).body)
    assert changed["to_mail"] == "other@example.com"
    assert (changed["status"], changed["attempts"], changed["last_error"]) == (status, 3, "550 no")
    assert len(changed["history"]) == 1
    assert await one.read() == changed
    assert "due_at" not in await one.document()


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_leaves_what_is_to_be_tried_again_due_when_it_was(
    one: Delivered, method: str
) -> None:
    await one.becomes(attempts=1, last_error="451 later", history=HISTORY)
    await one.documents.update_one({}, {"$set": {"due_at": AT}})
    changed = json.loads((await one.write(method, subject="Another subject")).body)
    assert (changed["attempts"], changed["last_error"]) == (1, "451 later")
    assert (await one.document())["due_at"] == AT
    changed = json.loads((await one.write(method, scheduled_time=LATER)).body)
    assert (changed["attempts"], changed["last_error"]) == (0, None)
    assert (await one.document())["due_at"] == datetime(2027, 5, 2, 16, tzinfo=UTC)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_new_time_is_when_it_is_due(one: Delivered, method: str) -> None:
    assert (await one.write(method, scheduled_time=LATER)).status == 200
    assert (await one.document())["due_at"] == datetime(2027, 5, 2, 16, tzinfo=UTC)


async def test_what_is_damaged_while_it_is_being_sent_is_left_to_who_sends_it(
    one: Delivered,
) -> None:
    await one.becomes(status="sending", subject=7)
    for method in WRITES:
        problem(await one.write(method), 409)
    await one.becomes(status="failed")
    repaired = json.loads((await one.write("PUT", scheduled_time=LATER)).body)
    assert (repaired["status"], repaired["history"]) == ("pending", [])
    assert (await one.document())["due_at"] == datetime(2027, 5, 2, 16, tzinfo=UTC)


@pytest.mark.parametrize("status", [["sending"], ["sent"], "lost"])
async def test_what_is_no_status_keeps_nobody_from_repairing_and_deleting(
    one: Delivered, status: Any
) -> None:
    await one.becomes(status=status)
    assert (await one.write("PUT")).status == 200
    await one.becomes(status=status)
    assert (await one.write("DELETE")).status == 200


async def test_one_that_nobody_has_tried_to_send_is_changed_in_one_operation(
    mongodb: EmbeddedMongoDB,
) -> None:
    commands = Commands()
    async with connect(mongodb.uri, [commands]) as client:
        dator = NOTIFICATIONS.dator(client[f"test-{uuid4()}"])
        stored = await dator.insert(dator.schema.parse(NOTIFICATION))
        identifier = stored.resource.id
        commands.names.clear()
        later = dator.schema.parse({**NOTIFICATION, "scheduled_time": LATER})
        await dator.replace(identifier, later)
        await dator.patch(identifier, dator.schema.parse_patch({"subject": "Another one"}))
        assert commands.names == ["findAndModify", "findAndModify"]
        document = await dator.collection.find_one({"_id": ObjectId(identifier)})
        assert document
        assert document["due_at"] == document["scheduled_time"] == later.scheduled_time
