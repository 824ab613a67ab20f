"""While an SMTP server or MongoDB is away nothing is lost, and behind it nothing is sent twice."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from microservice_chassis.storage.client import connect
from tests.integration.delivery.delivering import (
    delivered,
    delivering,
    message_ids,
    until,
    until_statuses,
)
from tests.integration.delivery.post import Post
from tests.mongod import Mongod
from tests.services import free_port
from tests.smtp_server import SmtpServer


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
    with SmtpServer(free_port(), tmp_path) as server:
        server.kill()
        identifiers = await post.create(30)

        async def noticed() -> bool:
            return "it cannot be reached" in caplog.text

        async with delivering(post, server):
            await until(noticed)
            server.start()
            await until_statuses(post, *["sent"] * 30)
        assert server.times() == dict.fromkeys(message_ids(*identifiers), 1)
        assert (await post.notification(identifiers[0])).attempts == 1


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
