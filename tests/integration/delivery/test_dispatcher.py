"""A dispatcher delivers what is due to a real SMTP server, and records what becomes of it."""

from __future__ import annotations

import asyncio
import functools
import logging
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.storage.client import Document
from notifications_microservice.delivery.slot import Slot
from notifications_microservice.models.claims import Claims, Waiting
from notifications_microservice.models.notification_dator import NotificationDator
from tests.integration.delivery.delivering import (
    DEADLINE_S,
    delivered,
    delivering,
    message_ids,
    until,
    until_statuses,
)
from tests.integration.delivery.post import Post
from tests.smtp_server import SmtpServer


async def test_what_is_due_is_sent_once_and_what_is_not_due_waits(
    post: Post, smtp: SmtpServer
) -> None:
    due = await post.create(20)
    (later,) = await post.create(ago_s=-3_600)
    async with delivering(post, smtp):
        await until_statuses(post, *["sent"] * 20, "pending")
    times = smtp.times()
    assert {times[each] for each in message_ids(*due)} == {1}
    assert delivered(smtp, message_ids(later)) == {}
    found = await post.notification(due[0])
    assert (found.attempts, found.last_error) == (1, None)
    assert [each.detail for each in found.history] == ["250 2.0.0 OK queued"]


async def test_what_is_written_while_it_sleeps_wakes_it(post: Post, smtp: SmtpServer) -> None:
    async with delivering(post, smtp):
        (identifier,) = await post.create(ago_s=-3_600)
        await post.create()
        await until_statuses(post, "pending", "sent")
        moment = datetime.now(UTC).isoformat()
        patch = post.dator.schema.parse_patch({"scheduled_time": moment})
        await post.dator.patch(identifier, patch)
        await until_statuses(post, "sent", "sent")


class HeldClaims(Claims):
    """Claims that hold back what they have seen, once they are told to."""

    held: tuple[asyncio.Event, asyncio.Event] | None = None

    async def waiting(self, limit: int) -> Waiting:
        waiting = await super().waiting(limit)
        if self.held:
            looked, go_on = self.held
            looked.set()
            await go_on.wait()
        return waiting


class HeldDator(NotificationDator):
    """A dator with held claims, which are the same for all who ask."""

    @functools.cached_property
    def held_claims(self) -> HeldClaims:
        return HeldClaims(self._raw, self.writer, self.bulkhead, self.codec)

    def claims(self) -> Claims:
        return self.held_claims


async def test_who_wakes_it_while_it_looks_is_not_forgotten(
    database: AsyncDatabase[Document], smtp: SmtpServer
) -> None:
    post = Post(database, HeldDator)
    assert isinstance(post.dator, HeldDator)
    (first,) = await post.create()
    document = await post.document(first)
    async with delivering(post, smtp) as dispatcher:
        await until_statuses(post, "sent")
        looked, go_on = post.dator.held_claims.held = asyncio.Event(), asyncio.Event()
        dispatcher.wake()
        async with asyncio.timeout(DEADLINE_S):
            await looked.wait()
        # Written by another program, which gives no hint.
        await post.dator.collection.insert_one({**document, "_id": ObjectId()})
        dispatcher.wake()
        go_on.set()
        await until_statuses(post, "sent", "sent")


async def test_it_wakes_when_the_next_one_is_due_and_not_before(
    post: Post, smtp: SmtpServer
) -> None:
    (identifier,) = await post.create(ago_s=-0.5)
    async with delivering(post, smtp):
        await until_statuses(post, "sent")
    (accepted,) = (each for each in smtp.accepted() if identifier in each.message_id)
    due_at = (await post.notification(identifier)).scheduled_time
    assert accepted.at_s >= due_at.timestamp()


@pytest.mark.parametrize("mode", ["refuse-recipient", "refuse-content"])
async def test_what_is_refused_for_good_has_failed_with_the_reason(
    post: Post, smtp: SmtpServer, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    smtp.behave(mode)
    (identifier,) = await post.create()
    with caplog.at_level(logging.WARNING):
        async with delivering(post, smtp):
            await until_statuses(post, "failed")
    found = await post.notification(identifier)
    assert found.last_error
    assert found.last_error.startswith("55")
    assert [each.outcome for each in found.history] == ["refused"]
    assert f"notifications/{identifier} has failed: {found.last_error}" in caplog.text
    assert "guest@example.com" not in caplog.text


@pytest.mark.parametrize("mode", ["defer-recipient", "defer-content", "drop"])
async def test_what_is_refused_for_now_is_tried_again_later_under_the_same_name(
    post: Post, smtp: SmtpServer, mode: str
) -> None:
    smtp.behave(mode)
    (identifier,) = await post.create()

    async def deferred() -> bool:
        return (await post.notification(identifier)).attempts == 1

    async with delivering(post, smtp) as dispatcher:
        await until(deferred)
        found = await post.notification(identifier)
        assert (found.status, found.attempts) == ("pending", 1)
        assert [each.outcome for each in found.history] == ["deferred"]
        document = await post.document(identifier)
        pause = document["due_at"] - document["updated_at"]
        assert timedelta(seconds=48) <= pause <= timedelta(seconds=72)
        smtp.behave("accept")
        await post.record(identifier, due_at=datetime.now(UTC))
        dispatcher.wake()
        await until_statuses(post, "sent")
    expected = 2 if mode == "drop" else 1
    assert delivered(smtp, message_ids(identifier)) == {f"<{identifier}.1@example.org>": expected}


async def test_when_the_retries_run_out_it_has_failed(post: Post, smtp: SmtpServer) -> None:
    smtp.behave("defer-recipient")
    (identifier,) = await post.create(ago_s=590)
    async with delivering(post, smtp, delivery_missed_after=600):
        await until_statuses(post, "failed")
    found = await post.notification(identifier)
    assert found.last_error == "450 4.2.0 greylisted"
    assert [each.outcome for each in found.history] == ["deferred"]


async def test_a_client_who_gives_it_a_new_time_has_it_sent_again_as_another_message(
    post: Post, smtp: SmtpServer
) -> None:
    smtp.behave("refuse-recipient")
    (identifier,) = await post.create()
    async with delivering(post, smtp):
        await until_statuses(post, "failed")
        smtp.behave("accept")
        now = datetime.now(UTC).isoformat()
        await post.dator.patch(identifier, post.dator.schema.parse_patch({"scheduled_time": now}))
        await until_statuses(post, "sent")
    assert set(delivered(smtp, message_ids(identifier, edition=2)).values()) == {1}
    assert [each.outcome for each in (await post.notification(identifier)).history] == [
        "refused",
        "sent",
    ]


async def test_seed_data_of_long_ago_sends_no_mail(post: Post, smtp: SmtpServer) -> None:
    identifiers = await post.create(3, ago_s=365 * 86_400)
    async with delivering(post, smtp):
        await until_statuses(post, *["missed"] * 3)
    assert delivered(smtp, message_ids(*identifiers)) == {}


async def test_what_cannot_be_read_or_sent_has_failed_and_keeps_nobody(
    post: Post, smtp: SmtpServer
) -> None:
    unreadable, unsendable, good = await post.create(3)
    await post.record(unreadable, subject=7)
    await post.record(unsendable, to_mail="a@example.com\r\nBcc: b@example.com")
    async with delivering(post, smtp):
        await until_statuses(post, "failed", "failed", "sent")
    assert (await post.document(unreadable))["last_error"].startswith(
        "it cannot be read: /subject must be"
    )
    found = await post.notification(unsendable)
    assert found.last_error == "to_mail is not an e-mail address"
    assert set(delivered(smtp, message_ids(unreadable, unsendable, good))) == message_ids(good)


async def test_at_its_end_it_finishes_what_is_in_flight_and_gives_the_rest_back(
    post: Post, smtp: SmtpServer
) -> None:
    smtp.behave("slow")
    identifiers = await post.create(30)

    async def begun() -> bool:
        return bool(delivered(smtp, message_ids(*identifiers)))

    async with delivering(post, smtp):
        await until(begun)
    statuses = await post.statuses()
    assert set(statuses) == {"pending", "sent"}
    times = delivered(smtp, message_ids(*identifiers))
    assert (len(times), set(times.values())) == (statuses.count("sent"), {1})


async def test_what_a_predecessor_had_claimed_is_sent_at_once(post: Post, smtp: SmtpServer) -> None:
    await post.claims.prepare()
    await post.create(5)
    waiting = await post.claims.waiting(10)
    await post.claims.claim(waiting.due, "predecessor.1", 86_400)
    async with delivering(post, smtp, Slot("me", "predecessor")):
        await until_statuses(post, *["sent"] * 5)


async def test_behind_its_lease_a_message_is_not_begun(post: Post, smtp: SmtpServer) -> None:
    smtp.behave("slow")
    identifiers = await post.create(9)
    async with delivering(post, smtp, delivery_concurrency=1):
        await until_statuses(post, *["sending"] * 9)
        await post.lease_ends()
        async with delivering(post, smtp, Slot("another", ""), delivery_concurrency=5):
            smtp.behave("accept")
            await until_statuses(post, *["sent"] * 9)
    # The first one goes on until its own clock says that the lease is over; what it records is no
    # longer its own, and so changes nothing.
    assert {(await post.notification(each)).attempts for each in identifiers} == {1}
