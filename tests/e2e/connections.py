"""Connections to a service that say exactly what they are given."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from microservice_chassis.process.bounded_connection import REQUEST_TIMEOUT_S
from tests.services import Service

# Longer than the time that a worker gives a request.
PATIENCE_S = REQUEST_TIMEOUT_S + 10


class Answer(NamedTuple):
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


@contextmanager
def connection(service: Service) -> Iterator[socket.socket]:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield client


def everything(client: socket.socket) -> bytes:
    """All that the server sends until it closes."""
    received = bytearray()
    with suppress(ConnectionResetError):
        while chunk := client.recv(65536):
            received += chunk
    return bytes(received)


def say(service: Service, request: bytes, piece: int = 1 << 20) -> bytes:
    """What comes back when a client has sent this, and closes its side."""
    with connection(service) as client:
        with suppress(OSError):  # it may be refused before all of it is sent
            for at in range(0, len(request), piece):
                client.sendall(request[at : at + piece])
            client.shutdown(socket.SHUT_WR)
        return everything(client)


def parse(received: bytes, *, head_only: bool = False) -> list[Answer]:
    """The final answers in what has been received; those to HEAD have no body."""
    answers = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", status_line)
        assert match, head[:200]
        if match[1] == "100":
            continue
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = 0 if head_only else int(headers.get("content-length", "0"))
        answers.append(Answer(int(match[1]), headers, received[:length]))
        received = received[length:]
    return answers
