"""A real SMTP server (aiosmtpd) as a process of its own, which accepts, delays, refuses or drops.

python -m tests.smtp_server PORT FILE [--cert FILE --key FILE] [--tls] [--user USER]

FILE is where it writes what it accepted, one JSON object per line, and reads how it is to behave:
FILE.mode has the name of one of MODES, looked at for each command.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from microservice_chassis.process.parent_death import die_with_parent

START_TIMEOUT_S = 10.0
PASSWORD = "swordfish:/@"  # noqa: S105

# What the server says instead of taking a message, at which command.
REFUSALS = {
    "refuse-mail": ("MAIL", "550 5.7.1 no mail from you"),
    "defer-mail": ("MAIL", "451 4.3.0 not now"),
    "refuse-recipient": ("RCPT", "550 5.1.1 no such user"),
    "defer-recipient": ("RCPT", "450 4.2.0 greylisted"),
    "refuse-content": ("DATA", "554 5.6.0 no such content"),
    "defer-content": ("DATA", "452 4.3.1 no room"),
    "close-at-mail": ("MAIL", "421 4.3.2 going down"),
}
MODES = ("accept", "slow", "drop", *REFUSALS)
_SLOW_S = 0.3
_MESSAGE_ID = re.compile(rb"^Message-ID: (<[^>]*>)", re.MULTILINE)


class Accepted(NamedTuple):
    """A message that was accepted, by its envelope and its header."""

    message_id: str
    recipients: list[str]
    content: str
    at_s: float  # since the epoch


class Handler:
    """What the server does at each command (aiosmtpd, "Handlers")."""

    def __init__(self, file: Path) -> None:
        self._mode_file = file.with_suffix(".mode")
        self._mode = ""
        self._written = (0, 0)
        self._accepted = file.open("a", buffering=1)

    @property
    def mode(self) -> str:
        status = self._mode_file.stat()
        written = (status.st_ino, status.st_mtime_ns)
        if written != self._written:
            self._mode, self._written = self._mode_file.read_text(), written
        return self._mode

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._refusal("MAIL")
        if refusal:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._refusal("RCPT")
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        mode = self.mode
        refusal = self._refusal("DATA")
        if refusal:
            return refusal
        content = envelope.content
        assert isinstance(content, bytes)
        found = _MESSAGE_ID.search(content)
        message_id = found[1].decode() if found else ""
        accepted = Accepted(message_id, envelope.rcpt_tos, content.decode(), time.time())
        self._accepted.write(json.dumps(accepted._asdict()) + "\n")
        if mode == "slow":
            await asyncio.sleep(_SLOW_S)
        if mode == "drop":
            assert server.transport
            cast("asyncio.Transport", server.transport).abort()
        return "250 2.0.0 OK queued"

    def _refusal(self, command: str) -> str:
        at, refusal = REFUSALS.get(self.mode, ("", ""))
        return refusal if at == command else ""


class SmtpServer:
    """A server on a port of this machine; a context manager that starts and ends it."""

    def __init__(self, port: int, directory: Path, *arguments: str) -> None:
        """`arguments` are further ones of its command line."""
        self.port = port
        self._file = directory / "accepted.jsonl"
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._read = self._count = 0  # bytes of the file, and lines in them
        self.behave("accept")

    @property
    def url(self) -> str:
        """The SMTP_URL of this server."""
        return f"smtp://127.0.0.1:{self.port}?starttls=none"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def behave(self, mode: str) -> None:
        """Do so from the next command on."""
        assert mode in MODES
        other = self._file.with_suffix(".other")
        other.write_text(mode)
        other.replace(self._file.with_suffix(".mode"))

    def start(self) -> None:
        """Start it, and return when it listens."""
        parent = os.getpid()
        self._file.touch()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.smtp_server", str(self.port), str(self._file)]
            + list(self._arguments),
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent),
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._listens():
            assert self._process.poll() is None, "the SMTP server ended"
            assert time.monotonic() < deadline, "the SMTP server did not listen"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once; what it had accepted stays."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def count(self) -> int:
        """How many messages it has accepted so far."""
        with self._file.open("rb") as file:
            file.seek(self._read)
            unread = file.read()
        self._read += len(unread)
        self._count += unread.count(b"\n")
        return self._count

    def accepted(self) -> list[Accepted]:
        """What it has accepted so far."""
        whole, _, _ = self._file.read_text().rpartition("\n")
        return [Accepted(**json.loads(line)) for line in whole.splitlines()]

    def times(self) -> Counter[str]:
        """How often it has accepted each message, by the Message-ID."""
        return Counter(each.message_id for each in self.accepted())

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


async def _serve(arguments: Any) -> None:
    context = None
    if arguments.cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.cert, arguments.key)
    handler = Handler(arguments.file)

    def authenticate(_: object, __: object, ___: object, ____: str, data: Any) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == (arguments.user, PASSWORD), handled=False)

    def protocol() -> SMTP:
        return SMTP(
            handler,
            enable_SMTPUTF8=True,
            hostname="smtp.test",
            tls_context=None if arguments.tls else context,
            require_starttls=context is not None and not arguments.tls,
            authenticator=authenticate if arguments.user else None,
            auth_require_tls=False,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        protocol, "127.0.0.1", arguments.port, ssl=context if arguments.tls else None, backlog=512
    )
    await server.serve_forever()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--user")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    _main()
