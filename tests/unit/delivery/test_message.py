"""What is handed in is what the client wrote, as an independent parser reads it."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email import policy
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from typing import cast

import msgspec
import pytest
from hypothesis import given

from microservice_chassis.schema.schema import Schema
from notifications_microservice.delivery.message import Message, Unsendable, render
from notifications_microservice.models.notification import Notification
from tests.examples import NOTIFICATION
from tests.strategies import characters

SCHEMA = Schema(Notification)
DATE = datetime(2027, 5, 1, 16, 0, 3, tzinfo=UTC)


def rendered(**members: str) -> Message:
    """The message of a notification that a client could have written."""
    notification = SCHEMA.parse(NOTIFICATION | members)
    return render(notification, "events@example.org", "abc.1@example.org", DATE)


def parsed(message: Message) -> EmailMessage:
    """What a mail program makes of it."""
    return email.message_from_bytes(message.content, policy=policy.default)


def text_of(message: Message) -> str:
    """The text that a mail program shows."""
    content: str = parsed(message).get_content()
    return content.replace("\r\n", "\n")


def test_the_header_says_what_a_mail_program_needs() -> None:
    found = parsed(rendered())
    assert dict(found.items()) == {
        "From": "events@example.org",
        "To": "guest@example.com",
        "Subject": "Reminder: Jazz night",
        "Date": "Sat, 01 May 2027 16:00:03 +0000",
        "Message-ID": "<abc.1@example.org>",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
    }
    assert text_of(rendered()) == NOTIFICATION["content"] + "\n"
    assert not found.defects


@given(subject=characters(10, 70, allowed=""), content=characters(30, 700))
def test_whatever_a_client_writes_arrives_and_nothing_else(subject: str, content: str) -> None:
    message = rendered(subject=subject, content=content)
    found = parsed(message)
    assert len(found.items()) == 9
    assert found["Subject"] == subject
    assert text_of(message).removesuffix("\n") == content.removesuffix("\n")
    header = message.content.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 78 for line in header.split(b"\r\n"))
    assert message.content.isascii()
    assert all(len(line) <= 76 for line in message.content.split(b"\r\n")[-5:])
    bare = message.content.replace(b"\r\n", b"")
    assert b"\r" not in bare
    assert b"\n" not in bare


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?q?Reminder?= as it is",
        " a subject between spaces ",
        "Erinnerung: Jazz im Café",
        "Reminder 😀 " * 6,
        "x" * 70,
        "To: all@example.com and others",
    ],
)
def test_a_subject_arrives_as_it_is(subject: str) -> None:
    assert parsed(rendered(subject=subject))["Subject"] == subject


@pytest.mark.parametrize(
    "content", ["." * 40, "From here\n.\n.\n" * 4, "a = b\t \n" * 5, "x" * 700, "line\n" * 12]
)
def test_a_text_arrives_as_it_is(content: str) -> None:
    assert text_of(rendered(content=content)) == content.removesuffix("\n") + "\n"


@pytest.mark.parametrize(
    ("to_mail", "recipient", "utf8"),
    [
        ("o'hara+tag@example.com", "o'hara+tag@example.com", False),
        ("guest@bücher.example", "guest@xn--bcher-kva.example", False),
        ("gäste@example.com", "gäste@example.com", True),
        ("用户@例子.example", "用户@xn--fsqu00a.example", True),
    ],
)
def test_the_host_of_a_recipient_is_in_ascii(to_mail: str, recipient: str, utf8: bool) -> None:
    message = rendered(to_mail=to_mail)
    assert (message.recipient, message.utf8) == (recipient, utf8)
    header = cast("AddressHeader", parsed(message)["To"])
    if not utf8:
        assert [address.addr_spec for address in header.addresses] == [recipient]
    else:
        assert f"To: <{recipient}>\r\n".encode() in message.content


@pytest.mark.parametrize(
    "to_mail",
    ["a@example.com, b@example.com", "a@example.com>\r\nBcc: b@example.com", "nobody", "a@b@c.de"],
)
def test_what_is_no_address_is_never_a_recipient(to_mail: str) -> None:
    notification = msgspec.structs.replace(SCHEMA.parse(NOTIFICATION), to_mail=to_mail)
    with pytest.raises(Unsendable, match="to_mail is not an e-mail address"):
        render(notification, "events@example.org", "abc.1@example.org", DATE)


def test_a_subject_that_another_program_wrote_is_one_header_all_the_same() -> None:
    subject = "Reminder\r\nBcc: all@example.com\r\n\r\nHello"
    notification = msgspec.structs.replace(SCHEMA.parse(NOTIFICATION), subject=subject)
    message = render(notification, "events@example.org", "abc.1@example.org", DATE)
    found = parsed(message)
    assert len(found.items()) == 9
    assert found["Subject"] == "Reminder Bcc: all@example.com Hello"


def test_a_text_that_another_program_wrote_has_no_bare_carriage_return() -> None:
    notification = msgspec.structs.replace(SCHEMA.parse(NOTIFICATION), content="a\rb\r\nc\n.\r")
    message = render(notification, "events@example.org", "abc.1@example.org", DATE)
    assert text_of(message) == "a\nb\nc\n.\n"
