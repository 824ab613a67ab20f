"""A dispatcher delivers what is due to a real SMTP server, and records what becomes of it."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.process.shared_file import SharedFile, make
from microservice_chassis.storage.client import Document, connect
from notifications_microservice.delivery.cancellation import cancel
from notifications_microservice.delivery.dispatcher import Dispatcher
from notifications_microservice.delivery.program import Parts, make_dispatcher
from notifications_microservice.delivery.slot import Slot
from notifications_microservice.delivery.smtp_url import smtp_server
from notifications_microservice.models.claims import Claims, Waiting
from notifications_microservice.models.figures import Figures
from notifications_microservice.models.hints import Hints
from notifications_microservice.models.notification_dator import NotificationDator
from notifications_microservice.settings import Settings
from tests.integration.delivery.post import Post
from tests.mongod import Mongod
from tests.services import free_port
from tests.smtp_server import SmtpServer

DEADLINE_S = 10.0

ALONE = Slot("me", "")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that happens at once, or else not within a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def delivering(
    post: Post, smtp: SmtpServer, slot: Slot = ALONE, **settings: Any
) -> AsyncIterator[Dispatcher]:
    """A dispatcher that runs meanwhile, and then ends as after SIGTERM."""
    with_defaults = Settings(
        smtp_url=smtp.url, mail_from="events@example.org", **{"delivery_concurrency": 3, **settings}
    )
    parts = Parts(with_defaults, SharedFile(make(1)), smtp_server(smtp.url), "events@example.org")
    dispatcher = make_dispatcher(parts, post.dator, slot)
    stop = asyncio.Event()
    running = asyncio.create_task(dispatcher.run(stop, asyncio.Event()))
    try:
        yield dispatcher
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await running


@pytest.fixture
def post(database: AsyncDatabase[Document]) -> Post:
    return Post(database)


async def until_statuses(post: Post, *expected: str) -> None:
    async def reached() -> bool:
        return await post.statuses() == list(expected)

    await until(reached)


def message_ids(*identifiers: str, edition: int = 1) -> set[str]:
    return {f"<{each}.{edition}@example.org>" for each in identifiers}


def delivered(smtp: SmtpServer, ids: set[str]) -> dict[str, int]:
    """How often each of some messages was accepted."""
    times = smtp.times()
    return {each: times[each] for each in ids if times[each]}


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


@pytest.mark.parametrize("mode", ["refuse-mail", "defer-mail", "close-at-mail"])
async def test_a_server_that_takes_nothing_stops_the_dispatcher_and_counts_for_no_message(
    post: Post, smtp: SmtpServer, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    smtp.behave(mode)
    identifiers = await post.create(30)

    async def given_back() -> bool:
        return "SMTP server cannot be used" in caplog.text and set(await post.statuses()) == {
            "pending"
        }

    with caplog.at_level(logging.WARNING):
        async with delivering(post, smtp):
            await until(given_back)
            found = [await post.notification(each) for each in identifiers]
            assert {(each.attempts, each.history) for each in found} == {(0, ())}
            smtp.behave("accept")
            await until_statuses(post, *["sent"] * 30)
    assert caplog.text.count("SMTP server cannot be used: it refuses MAIL_FROM") == 1
    assert caplog.text.count("the SMTP server can be used again") == 1
    assert set(delivered(smtp, message_ids(*identifiers)).values()) == {1}


async def test_a_server_that_is_away_loses_nothing(
    post: Post, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with SmtpServer(free_port(), tmp_path) as own:
        own.kill()
        identifiers = await post.create(30)

        async def noticed() -> bool:
            return "it cannot be reached" in caplog.text

        async with delivering(post, own):
            await until(noticed)
            own.start()
            await until_statuses(post, *["sent"] * 30)
        assert own.times() == dict.fromkeys(message_ids(*identifiers), 1)
        assert (await post.notification(identifiers[0])).attempts == 1


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


async def test_a_mongodb_that_is_away_loses_nothing_and_sends_nothing_twice(
    smtp: SmtpServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Mongod(free_port(), tmp_path / "data") as mongod:
        async with connect(mongod.uri) as client:
            post = Post(client["away"])
            identifiers = await post.create(200)
            async with delivering(post, smtp):

                async def begun() -> bool:
                    return len(delivered(smtp, message_ids(*identifiers))) > 20

                await until(begun)

                async def noticed() -> bool:
                    return "MongoDB is unavailable" in caplog.text

                mongod.pause()
                await until(noticed)
                mongod.go_on()
                await until_statuses(post, *["sent"] * 200)
            times = delivered(smtp, message_ids(*identifiers))
            assert (len(times), set(times.values())) == (200, {1})


async def test_the_figures_tell_what_became_of_all(post: Post, smtp: SmtpServer) -> None:
    await post.create(2, ago_s=365 * 86_400)
    await post.create(3)
    await post.create(1, ago_s=-3_600)
    record = post.dator.figures()
    await post.claims.prepare()
    before = await record.read()
    assert (before.due, before.sending, before.sent) == (5, 0, 0)
    assert before.oldest_s
    assert before.oldest_s > 364 * 86_400
    async with delivering(post, smtp):
        await until_statuses(post, *["missed"] * 2, *["sent"] * 3, "pending")
        smtp.behave("refuse-recipient")
        await post.create()
        await until_statuses(post, *["missed"] * 2, *["sent"] * 3, "pending", "failed")
        smtp.behave("defer-recipient")
        (identifier,) = await post.create()

        async def deferred() -> bool:
            return (await post.notification(identifier)).attempts == 1

        await until(deferred)
    after = await record.read()
    assert (after.sent, after.missed, after.deferred, after.failed) == (3, 2, 1, {"recipient": 1})
    assert sum(after.delays.values()) == 3
    assert (after.due, after.sending, after.oldest_s) == (0, 0, None)


async def test_without_any_dispatcher_the_figures_are_zero(post: Post) -> None:
    await post.claims.prepare()
    assert await post.dator.figures().read() == Figures(0, 0, 0, {}, {}, 0, 0, None)


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
