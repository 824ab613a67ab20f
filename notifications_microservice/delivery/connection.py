"""A connection to the SMTP server, and what its answers mean for a message (RFC 5321).

Whatever is said before there is a recipient is about the server, the sender or the operator's
settings, and would be said of every message: `ServerUnavailable`. What is said of the recipient
or the content is about one message, which is tried again after a temporary answer (4yz) or a lost
connection, and not after a permanent one (5yz).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiosmtplib
from aiosmtplib import SMTPDataError, SMTPException, SMTPResponse

from notifications_microservice.delivery.answer import (
    SUCCESS,
    Answer,
    refusal,
    said,
    why_unavailable,
)
from notifications_microservice.delivery.message import Message
from notifications_microservice.delivery.smtp_url import SmtpServer

CONNECT_TIMEOUT_S = 10.0

# How long one message may take, from MAIL to the answer to its content.
MESSAGE_TIMEOUT_S = 60.0

_CLOSE_TIMEOUT_S = 1.0


class ServerUnavailable(Exception):
    """No message can be handed in now; the message of this error says why, for the operator."""


class LeaseOver(Exception):
    """There is too little time left to begin; nothing was sent."""


class Connection:
    """One connection, which is opened when it is needed and used again while it lasts."""

    def __init__(self, server: SmtpServer, tls: ssl.SSLContext | None, sender: str) -> None:
        """`tls` is the server's, which all connections share; `sender` is an address."""
        self._sender = sender
        self._client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            tls_context=tls,
            local_hostname=_local_hostname(sender),
            timeout=CONNECT_TIMEOUT_S,
        )

    @property
    def is_open(self) -> bool:
        """Whether it could be used again, as far as is known."""
        return self._client.is_connected

    async def check(self) -> None:
        """Return if the server would take a message of this sender.

        Raises:
            ServerUnavailable
        """
        if not self.is_open:
            await self._open()
        async with self._closed_if_broken_off():
            await self._mail(utf8=False)
            await self._reset()

    async def send(self, message: Message, may_begin: Callable[[], bool]) -> Answer:
        """Hand in a message; `may_begin` is asked before it is begun, and before its content.

        Raises:
            ServerUnavailable: nothing was sent.
            LeaseOver
        """
        used_before = self.is_open
        if not used_before:
            await self._open()
        _go_on(may_begin)
        async with self._closed_if_broken_off():
            try:
                await self._mail(utf8=message.utf8)
            except ServerUnavailable:
                # NOTE: servers close what has been idle, or in use, for long enough.
                if not used_before or self.is_open:
                    raise
                await self._open()
                await self._mail(utf8=message.utf8)
            answer = await self._transfer(message, may_begin)
        if answer.outcome != "sent" and self.is_open:
            await self._reset()
        return answer

    async def close(self) -> None:
        """Say good-bye, if that is possible at once."""
        with suppress(SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._client.quit()
        self._client.close()

    async def _open(self) -> None:
        """Connect, with TLS and as the user of the settings.

        Raises:
            ServerUnavailable
        """
        try:
            await self._client.connect()
            if self._client.is_ehlo_or_helo_needed:
                await self._client.ehlo()
        except (SMTPException, OSError, TimeoutError) as error:
            self._client.close()
            raise ServerUnavailable(why_unavailable(error)) from None

    async def _mail(self, *, utf8: bool) -> None:
        """Begin a message.

        Raises:
            ServerUnavailable
        """
        # NOTE: as aiosmtplib's own methods for MAIL and RCPT, which parse each address once more.
        options = [b"SMTPUTF8"] if utf8 and self._client.supports_extension("smtputf8") else []
        sender = f"FROM:<{self._sender}>".encode()
        try:
            response = await self._client.execute_command(b"MAIL", sender, *options)
        except (SMTPException, OSError) as error:
            self._client.close()
            raise ServerUnavailable(why_unavailable(error)) from None
        if response.code in SUCCESS:
            return
        if self.is_open:
            await self._reset()
        raise ServerUnavailable(f"it refuses MAIL_FROM: {said(response)}")

    async def _transfer(self, message: Message, may_begin: Callable[[], bool]) -> Answer:
        """Hand in the recipient and the content of a message that has begun."""
        if message.utf8 and not self._client.supports_extension("smtputf8"):
            detail = "the SMTP server takes no address with other letters than ASCII in front of @"
            return Answer("refused", detail, "recipient")
        recipient = f"TO:<{message.recipient}>".encode()
        try:
            async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                response = await self._client.execute_command(b"RCPT", recipient, timeout=None)
                if response.code not in SUCCESS:
                    return refusal(response, "recipient")
                if not may_begin():
                    self._client.close()
                    raise LeaseOver
                response = await self._client.data(message.content, timeout=None)
        except SMTPDataError as error:
            return refusal(SMTPResponse(error.code, error.message), "content")
        except TimeoutError:
            self._client.close()
            detail = f"the SMTP server did not answer within {MESSAGE_TIMEOUT_S:.0f} s"
            return Answer("deferred", detail, "connection")
        except (SMTPException, OSError):
            self._client.close()
            return Answer("deferred", "the connection to the SMTP server was lost", "connection")
        return Answer("sent", said(response))

    async def _reset(self) -> None:
        """Make the connection fit for another message, or close it."""
        try:
            await self._client.rset()
        except (SMTPException, OSError):
            self._client.close()

    @asynccontextmanager
    async def _closed_if_broken_off(self) -> AsyncIterator[None]:
        """Around a dialogue: a cancelled one leaves an answer, which is not the next one's."""
        try:
            yield
        except asyncio.CancelledError:
            self._client.close()
            raise


def _go_on(may_begin: Callable[[], bool]) -> None:
    if not may_begin():
        raise LeaseOver


def _local_hostname(sender: str) -> str:
    """Return a name for EHLO: this host's if it is a full one, or else the sender's."""
    name = socket.gethostname()
    return name if "." in name else sender.rpartition("@")[2]
