"""The protocol on a real connection, given its input piece by piece."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterable
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from microservice_chassis.process.http_protocol import HttpProtocol
from microservice_chassis.process.request_head import LIMIT_BYTES, LIMIT_FIELDS


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the method, the path, the body, and the values of a header named X."""
    body = b""
    more = True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    words = [scope["method"].encode(), scope["raw_path"], body]
    words += [value for name, value in scope["headers"] if name == b"x"]
    content = b"<%s>" % b" ".join(words)
    headers = [(b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


CONFIG = Config(echo, ws="none", log_config=None)


async def answers(pieces: Iterable[bytes], end_behind: int | None = None) -> bytes:
    """What a client gets that sends these pieces, and then closes its side.

    The server begins to end behind one of them.
    """
    loop = asyncio.get_running_loop()
    server, client = socket.socketpair()
    client.setblocking(False)
    with client:
        lost = asyncio.Event()
        _, protocol = await loop.connect_accepted_socket(
            lambda: HttpProtocol(CONFIG, ServerState(), {}, on_lost=lost.set), server
        )
        for number, piece in enumerate(pieces):
            protocol.data_received(piece)
            if number == end_behind:
                protocol.shutdown()
        client.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := await loop.sock_recv(client, 65536):
            received += chunk
    await lost.wait()
    return received


def contents(received: bytes) -> list[bytes]:
    """The contents of the echo's answers, and the statuses of others."""
    return re.findall(rb"<[^>]*>|HTTP/1.1 [3-5]\d\d", received)


UPGRADE = b"Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
SMUGGLED = b"DELETE /b HTTP/1.1\r\nHost: a\r\n\r\n"
SEVERAL = (
    b"POST /1 HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s"
    b"GET /2 HTTP/1.1\r\n%s\r\n"
    b"PUT /3 HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n"
    b"2;x=y\r\nab\r\n3\r\ncde\r\n0\r\nT: t\r\n\r\n"
    b"POST /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
) % (UPGRADE, len(SMUGGLED), SMUGGLED, UPGRADE, UPGRADE)
ECHOES = [b"<POST /1 %s>" % SMUGGLED, b"<GET /2 >", b"<PUT /3 abcde>", b"<POST /4 abc>"]


async def test_an_upgrade_is_ignored_wherever_the_bytes_are_split() -> None:
    assert contents(await answers([SEVERAL])) == ECHOES
    for at in range(1, len(SEVERAL)):
        assert contents(await answers([SEVERAL[:at], SEVERAL[at:]])) == ECHOES, at


async def test_an_upgrade_is_ignored_byte_by_byte() -> None:
    assert contents(await answers(bytes([byte]) for byte in SEVERAL)) == ECHOES


async def test_many_upgrades_in_one_piece_are_ignored() -> None:
    request = b"GET /1 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    assert contents(await answers([request * 1000])) == [b"<GET /1 >"] * 1000


async def test_a_trailer_is_no_header_of_the_next_request() -> None:
    request = b"POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    trailer = b"0\r\nX: 1\r\nX: 2\r\n\r\n"
    received = await answers([request + trailer + SMUGGLED])
    assert contents(received) == [b"<POST /1 >", b"<DELETE /b >"]


def pieces(request: bytes, size: int) -> Iterable[bytes]:
    return (request[at : at + size] for at in range(0, len(request), size))


GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
# Behind the head, as much as is parsed at once may go unnoticed.
BEHIND = b"x" * (LIMIT_BYTES + 16 * 1024)
TOO_LARGE = {
    "one field": GET + b"X: %s\r\n\r\n" % (b"x" * LIMIT_BYTES),
    "one field without an end": GET + b"X: %s" % (b"x" * LIMIT_BYTES),
    "the name of a field": GET + b"X" * LIMIT_BYTES,
    "several fields": GET + b"X: %s\r\n" % (b"x" * (LIMIT_BYTES // 9)) * 9 + b"\r\n",
    "many fields": GET + b"X:\r\n" * LIMIT_FIELDS + b"\r\n",
    "many fields without an end": GET + b"X:\r\n" * LIMIT_FIELDS + b"X",
    "a trailer": CHUNKED + b"X: %s\r\n\r\n" % (b"x" * LIMIT_BYTES),
    "a trailer without an end": CHUNKED + b"X: %s" % BEHIND,
    "many trailers": CHUNKED + b"X:\r\n" * LIMIT_FIELDS + b"\r\n",
    "an extension of a chunk": CHUNKED.removesuffix(b"0\r\n")
    + b"1;"
    + b"x" * (LIMIT_BYTES + 16 * 1024),
}


@pytest.mark.parametrize("size", [1, 1000, 1 << 20], ids=["bytes", "pieces", "one piece"])
@pytest.mark.parametrize("request_", TOO_LARGE.values(), ids=TOO_LARGE.keys())
async def test_what_is_too_large_is_refused_however_it_comes(request_: bytes, size: int) -> None:
    assert contents(await answers(pieces(request_, size))) == [b"HTTP/1.1 431"]


@pytest.mark.parametrize("size", [1, 1000, 1 << 20], ids=["bytes", "pieces", "one piece"])
async def test_a_target_that_is_too_long_is_refused_however_it_comes(size: int) -> None:
    request = b"GET /" + b"x" * LIMIT_BYTES
    assert contents(await answers(pieces(request, size))) == [b"HTTP/1.1 414"]


@pytest.mark.parametrize("size", [1, 1000, 1 << 20], ids=["bytes", "pieces", "one piece"])
async def test_what_is_within_the_limits_is_answered_however_it_comes(size: int) -> None:
    fields = (b"Y: %s\r\n" % (b"x" * 640)) * (LIMIT_FIELDS - 1)
    request = GET + fields + b"\r\n"
    assert contents(await answers(pieces(request * 3, size))) == [b"<GET / >"] * 3


@pytest.mark.parametrize("cut", range(1, len(GET) + 2))
async def test_a_request_that_has_begun_is_served_when_the_server_ends(cut: int) -> None:
    request = GET + b"\r\n"
    received = await answers([request[:cut], request[cut:]], end_behind=0)
    assert contents(received) == [b"<GET / >"]
    assert b"connection: close" in received or cut == len(request)


@pytest.mark.parametrize("before", [0, 1, 2])
async def test_all_requests_of_a_pipeline_are_served_when_the_server_ends(before: int) -> None:
    request = GET + b"\r\n"
    received = await answers([request * before + GET, b"\r\n" + request * 2], end_behind=0)
    assert contents(received) == [b"<GET / >"] * (before + 3)
    assert received.count(b"connection: close") == 1
    assert b"connection: close" in received[received.rindex(b"HTTP/1.1") :]
