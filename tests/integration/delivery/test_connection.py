"""What the answers of a real SMTP server mean for a message, and for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from notifications_microservice.delivery.answer import Answer
from notifications_microservice.delivery.connection import (
    Connection,
    LeaseOver,
    ServerUnavailable,
)
from notifications_microservice.delivery.message import Message
from notifications_microservice.delivery.smtp_url import smtp_server
from tests.certificate import Certificate, self_signed
from tests.services import free_port
from tests.smtp_server import PASSWORD, SmtpServer

SENDER = "events@example.org"
QUOTED = "swordfish%3A%2F%40"


def connection(url: str) -> Connection:
    server = smtp_server(url)
    return Connection(server, server.tls_context(), SENDER)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    one = connection(url)
    yield one
    await one.close()


def a_message(recipient: str = "guest@example.com") -> Message:
    header = f"Message-ID: <{uuid4()}@example.org>\r\nSubject: Hello\r\n\r\n"
    return Message(recipient, (header + "Hello\r\n.\r\n").encode(), not recipient.isascii())


def identifier(message: Message) -> str:
    return message.content.decode().partition(": ")[2].partition("\r\n")[0]


async def send(one: Connection, message: Message | None = None) -> Answer:
    return await one.send(message or a_message(), lambda: True)


async def test_an_accepted_message_is_sent_once_to_its_recipient_only(smtp: SmtpServer) -> None:
    async with connected(smtp.url) as one:
        for _ in range(3):  # on the same connection
            message = a_message()
            assert await send(one, message) == Answer("sent", "250 2.0.0 OK queued")
            (accepted,) = (
                each for each in smtp.accepted() if each.message_id == identifier(message)
            )
            assert accepted.recipients == ["guest@example.com"]
            assert accepted.content.replace("\r\n", "\n").endswith("Hello\n.\n")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("refuse-recipient", Answer("refused", "550 5.1.1 no such user", "recipient")),
        ("defer-recipient", Answer("deferred", "450 4.2.0 greylisted", "recipient")),
        ("refuse-content", Answer("refused", "554 5.6.0 no such content", "content")),
        ("defer-content", Answer("deferred", "452 4.3.1 no room", "content")),
    ],
)
async def test_a_refusal_is_of_one_message_and_the_next_one_is_sent(
    smtp: SmtpServer, mode: str, expected: Answer
) -> None:
    async with connected(smtp.url) as one:
        smtp.behave(mode)
        assert await send(one) == expected
        assert one.is_open
        smtp.behave("accept")
        assert (await send(one)).outcome == "sent"


async def test_a_connection_that_is_lost_behind_the_content_defers_the_message(
    smtp: SmtpServer,
) -> None:
    async with connected(smtp.url) as one:
        smtp.behave("drop")
        message = a_message()
        assert await send(one, message) == Answer(
            "deferred", "the connection to the SMTP server was lost", "connection"
        )
        assert smtp.times()[identifier(message)] == 1
        smtp.behave("accept")
        assert (await send(one)).outcome == "sent"


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("refuse-mail", "it refuses MAIL_FROM: 550 5.7.1 no mail from you"),
        ("defer-mail", "it refuses MAIL_FROM: 451 4.3.0 not now"),
        ("close-at-mail", "it refuses MAIL_FROM: 421 4.3.2 going down"),
    ],
)
async def test_what_is_said_of_the_sender_is_said_of_every_message(
    smtp: SmtpServer, mode: str, why: str
) -> None:
    async with connected(smtp.url) as one:
        smtp.behave(mode)
        for attempt in (send(one), send(one), one.check()):
            with pytest.raises(ServerUnavailable) as caught:
                await attempt
            assert str(caught.value) == why
        smtp.behave("accept")
        await one.check()
        assert (await send(one)).outcome == "sent"


async def test_a_connection_that_was_closed_meanwhile_is_opened_again(
    tmp_path: Path,
) -> None:
    with SmtpServer(free_port(), tmp_path) as server:
        async with connected(server.url) as one:
            assert (await send(one)).outcome == "sent"
            server.kill()
            server.start()
            assert (await send(one)).outcome == "sent"


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(ServerUnavailable, match="it cannot be reached"):
        await send(connection(f"smtp://127.0.0.1:{free_port()}?starttls=none"))


async def test_nothing_is_begun_near_the_end_of_a_lease(smtp: SmtpServer) -> None:
    async with connected(smtp.url) as one:
        before = len(smtp.accepted())
        for answers in ([False], [True, False]):
            with pytest.raises(LeaseOver):
                await one.send(a_message(), iter(answers).__next__)
        assert len(smtp.accepted()) == before
        assert (await send(one)).outcome == "sent"


async def test_a_cancelled_message_leaves_no_answer_for_the_next_one(smtp: SmtpServer) -> None:
    async with connected(smtp.url) as one:
        smtp.behave("slow")
        message = a_message()
        first = asyncio.create_task(send(one, message))
        async with asyncio.timeout(10):
            while identifier(message) not in smtp.times():
                await asyncio.sleep(0.001)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        smtp.behave("refuse-recipient")
        assert (await send(one)).outcome == "refused"


async def test_an_address_with_other_letters_than_ascii_is_handed_in(smtp: SmtpServer) -> None:
    async with connected(smtp.url) as one:
        message = a_message("gäste@example.com")
        assert (await send(one, message)).outcome == "sent"
    (accepted,) = (each for each in smtp.accepted() if each.message_id == identifier(message))
    assert accepted.recipients == ["gäste@example.com"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_tls_is_required_and_its_certificate_is_checked(
    certificate: Certificate, tmp_path: Path, scheme: str
) -> None:
    arguments = ["--cert", str(certificate.cert), "--key", str(certificate.key)]
    arguments += ["--tls"] if scheme == "smtps" else []
    with SmtpServer(free_port(), tmp_path, *arguments) as server:
        address = f"{scheme}://127.0.0.1:{server.port}"
        async with connected(f"{address}?cafile={certificate.cert}") as one:
            assert (await send(one)).outcome == "sent"
        with pytest.raises(ServerUnavailable, match="its certificate is not trusted"):
            await send(connection(address))
        assert len(server.accepted()) == 1


async def test_a_server_without_starttls_gets_nothing(smtp: SmtpServer) -> None:
    with pytest.raises(ServerUnavailable, match="does not offer what SMTP_URL asks for: STARTTLS"):
        await send(connection(f"smtp://127.0.0.1:{smtp.port}"))


async def test_a_user_authenticates_and_no_refusal_shows_the_password(
    certificate: Certificate, tmp_path: Path
) -> None:
    arguments = ["--cert", str(certificate.cert), "--key", str(certificate.key)]
    with SmtpServer(free_port(), tmp_path, *arguments, "--user", "event@post") as server:
        host = f"127.0.0.1:{server.port}?cafile={certificate.cert}"
        async with connected(f"smtp://event%40post:{QUOTED}@{host}") as one:
            assert (await send(one)).outcome == "sent"
        with pytest.raises(ServerUnavailable) as caught:
            await send(connection(f"smtp://event%40post:wrong@{host}"))
        assert str(caught.value) == "it refuses the user or the password of SMTP_URL (code 535)"
        assert PASSWORD not in str(caught.value)
