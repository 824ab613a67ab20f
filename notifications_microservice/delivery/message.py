"""The message: a notification as an e-mail (RFC 5322, RFC 2045 to 2047, RFC 6532).

It is put together here, of what the standard library encodes: `email.message.EmailMessage` takes
fifteen times as long, which was most of what a delivery cost. What a client wrote is encoded or
checked, so nothing of it can become a header or another recipient.
"""

from __future__ import annotations

import binascii
import functools
import re
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from typing import NamedTuple

import idna

from notifications_microservice.models.mail_address import mail_address
from notifications_microservice.models.notification import Notification

# A header line has up to 78 characters (RFC 5322, section 2.1.1).
_LINE = 78

# What is written as it is: printable ASCII that is no encoded word and keeps its outer spaces.
_PLAIN = re.compile(r"(?!.*=\?)[!-~](?:[ -~]*[!-~])?")

# An address that is as it is to be handed in: a dot-string, and a domain (RFC 5321, section 4.1.2).
# NOTE: nearly all are; to look at the others costs more than all else that is done to a message.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{1,254}}\Z){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")

# What cannot be in a line; a document of an earlier version may have it.
_NOT_IN_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NEWLINE = re.compile(r"\r\n?|\n")


class Unsendable(Exception):
    """A notification cannot be a message; the message of this error says why."""


class Message(NamedTuple):
    """What is handed in: its recipient, and the text of its header and body with CRLF.

    `utf8` says that its recipient has to be written in UTF-8 (RFC 6531).
    """

    recipient: str
    content: bytes
    utf8: bool


def render(notification: Notification, sender: str, message_id: str, date: datetime) -> Message:
    """Return the message of a notification; `message_id` has no brackets.

    Raises:
        Unsendable: it has no address that mail can be sent to; another program wrote it.
    """
    recipient = _recipient(notification.to_mail)
    header = (
        f"From: <{sender}>\r\n"
        f"To: <{recipient}>\r\n"
        f"Subject: {_unstructured(notification.subject, 'Subject')}\r\n"
        f"Date: {_date(date)}\r\n"
        f"Message-ID: <{message_id}>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: text/plain; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
    )
    return Message(
        recipient, header.encode() + _body(notification.content), not recipient.isascii()
    )


def _recipient(address: str) -> str:
    """Return an address with its host in ASCII, which every server understands (RFC 5891)."""
    if _ADDRESS.fullmatch(address):
        return address
    try:
        local_part, _, host = mail_address(address, bare_hosts=True).rpartition("@")
        return f"{local_part}@{idna.encode(host, uts46=True).decode()}"
    except ValueError:  # an idna.IDNAError is one, too
        raise Unsendable("to_mail is not an e-mail address") from None


@functools.lru_cache(1)
def _date(date: datetime) -> str:
    return format_datetime(date)  # messages that were claimed together have the same


def _unstructured(text: str, name: str) -> str:
    """Return the text of a header field: as it is, or in encoded words."""
    line = _NOT_IN_LINE.sub(" ", text)
    if len(name) + 2 + len(line) <= _LINE and _PLAIN.fullmatch(line):
        return line
    return Header(line, "utf-8", maxlinelen=_LINE, header_name=name).encode(linesep="\r\n")


def _body(text: str) -> bytes:
    lines = _NEWLINE.sub("\r\n", text)
    if not lines.endswith("\r\n"):
        lines += "\r\n"
    # NOTE: text with CRLF in it has its soft line breaks with CRLF, too.
    return binascii.b2a_qp(lines.encode(), istext=True)
