"""Clients that are slow, broken or unkind, against 7 real workers."""

from __future__ import annotations

import json
import socket
import struct
from contextlib import ExitStack, suppress

import pytest
import requests

from microservice_chassis.process.bounded_connection import LINGER_BYTES
from tests.e2e.connections import connection, everything, parse, say
from tests.process_tree import tree, wait_for
from tests.services import Service


def assert_problem(answer: bytes, status: int) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert b"content-type: application/problem+json" in head.lower()
    assert json.loads(body)["status"] == status


@pytest.mark.parametrize(
    "request_line",
    [
        b"\x16\x03\x01\x02\x00",
        b"NONSENSE\r\n",
        b"GET /events\r\n",
        b"GET /events HTTP/9.9\r\n",
        b"G\x00T /events HTTP/1.1\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\n",
        b"GET http:// HTTP/1.1\r\n",
    ],
)
def test_what_is_no_http_is_a_problem(events: Service, request_line: bytes) -> None:
    assert_problem(say(events, request_line + b"Host: a\r\n\r\n"), 400)


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: -1\r\n",
        b"Content-Length: abc\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Bad Header: 1\r\n",
        b"A: b\r\n folded: \x00\r\n",
    ],
)
def test_a_header_that_could_smuggle_a_request_is_a_problem(
    events: Service, headers: bytes
) -> None:
    request = b"POST /events HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n{}"
    assert_problem(say(events, request), 400)


def test_too_many_header_fields_are_a_problem(events: Service) -> None:
    fields = b"".join(b"X-%d: 1\r\n" % number for number in range(10_000))
    assert_problem(say(events, b"GET /events HTTP/1.1\r\n" + fields + b"\r\n"), 431)


def test_a_header_without_an_end_is_a_problem(events: Service) -> None:
    answer = say(events, b"GET /events HTTP/1.1\r\nX: " + b"x" * 2_000_000)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


def test_headers_within_the_limits_are_fine(events: Service) -> None:
    headers = {f"X-{number}": "x" * 500 for number in range(90)}
    assert requests.get(events.collection, headers=headers, timeout=5).status_code == 200


def test_requests_on_one_connection_are_answered_in_turn(events: Service) -> None:
    request = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = say(events, request * 20 + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 20
    assert answer.count(b"HTTP/1.1 404 Not Found") == 1


def test_an_answer_comes_in_one_piece(events: Service) -> None:
    with connection(events) as client:
        for _ in range(50):
            client.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
            head, _, body = client.recv(65536).partition(b"\r\n\r\n")
            assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"
            assert body


def test_an_answer_without_a_body_is_not_kept_back(events: Service) -> None:
    head = b"HEAD /events HTTP/1.1\r\nHost: a\r\n\r\n"
    options = b"OPTIONS /events HTTP/1.1\r\nHost: a\r\n\r\n"
    with connection(events) as client:
        for request, status in ((head, b"200"), (options, b"204"), (head, b"200")):
            client.sendall(request)
            assert client.recv(65536).startswith(b"HTTP/1.1 " + status)
    last = b"HEAD /events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answers = say(events, head + options + last)
    assert [answers.count(b"HTTP/1.1 %d " % status) for status in (200, 204)] == [2, 1]


def test_a_client_that_asks_first_is_told_to_continue(events: Service) -> None:
    body = json.dumps(events.example).encode()
    request = b"POST /events HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    with connection(events) as client:
        client.sendall(request + b"Content-Length: %d\r\n\r\n" % len(body))
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert client.recv(65536).startswith(b"HTTP/1.1 201 Created")


def test_http_1_0_has_no_interim_response(events: Service) -> None:
    body = json.dumps(events.example).encode()
    request = b"POST /events HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with connection(events) as client:
        client.sendall(request % len(body) + body[:10])
        client.sendall(body[10:])
        assert everything(client).startswith(b"HTTP/1.1 201 Created")


@pytest.mark.parametrize("expectation", [b"", b"Expect: 100-continue\r\n"])
def test_a_body_that_is_announced_as_too_large_is_not_waited_for(
    events: Service, expectation: bytes
) -> None:
    request = b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n"
    with connection(events) as client:
        client.sendall(request + expectation + b"\r\n")
        received = client.recv(65536)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in received


def test_a_client_that_has_closed_its_side_still_gets_its_answer(events: Service) -> None:
    body = json.dumps(events.example).encode()
    request = b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert say(events, request + body).startswith(b"HTTP/1.1 201 Created")


def test_an_upgrade_that_is_not_offered_is_ignored(events: Service) -> None:
    request = (
        b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert say(events, request).startswith(b"HTTP/1.1 200 OK")


def test_what_is_broken_off_is_no_body(events: Service) -> None:
    url = events.collection
    before = requests.get(url, params={"limit": 1000}, timeout=5).json()
    body = json.dumps(events.example).encode()
    post = b"POST /events HTTP/1.1\r\nHost: a\r\n"
    measured = post + b"Content-Length: %d\r\n\r\n" % (len(body) + 10) + body
    chunked = post + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(body), body)
    beginnings = [chunked, chunked + b"0\r\n", chunked + b"zz\r\n", post]
    beginnings += [measured, measured[:-20], measured[: -len(body)]]
    for beginning in beginnings:
        for reset in (False, True):
            with connection(events) as client:
                client.sendall(beginning)
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert requests.get(url, params={"limit": 1000}, timeout=5).json() == before


def test_a_body_without_an_end_is_not_read_to_its_end(events: Service) -> None:
    chunk = b"100000\r\n%s\r\n" % (b" " * 0x100000)
    sent = 0
    with connection(events) as client:
        client.sendall(b"POST /events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.sendall(chunk)
        (answer,) = parse(everything(client))
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        with suppress(ConnectionError):
            while sent < 1 << 30:
                sent += client.send(chunk)
    # What the system has room for on either side comes to what the service has read.
    assert sent < LINGER_BYTES + 32 * 1024 * 1024


def test_a_client_that_sends_all_before_it_reads_still_sees_the_refusal(events: Service) -> None:
    size = LINGER_BYTES // 2
    request = b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size
    with connection(events) as client:
        client.sendall(request + b" " * size)
        (answer,) = parse(everything(client))
    assert answer.status == 413


def connected_ports(service: Service) -> set[int]:
    """The ports of the clients whose connections the workers have."""
    return {
        connected.raddr.port
        for worker in tree(service)["worker"]
        for connected in worker.net_connections()
        if connected.raddr
    }


@pytest.mark.load
def test_slow_clients_are_cut_off_and_slow_nobody(events: Service) -> None:
    """All at once, since each takes the whole time that a request may take."""
    post = b"POST /events HTTP/1.1\r\nHost: a\r\n"
    beginnings = {
        "nothing": b"",
        "empty lines": b"\r\n",
        "half a header": b"GET /events HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        "no body": post + b"Content-Length: 100\r\n\r\n",
        "half a body": post + b'Content-Length: 100\r\n\r\n{"a":',
        "half a chunk": post + b"Transfer-Encoding: chunked\r\n\r\n9\r\n",
        "refused, but sending": post + b"Content-Length: 99999999\r\n\r\n1",
    }
    for _ in range(100):
        requests.post(events.collection, json=events.example, timeout=5).raise_for_status()
    list_request = b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n"
    # More than the system takes on either side.
    answers_to_fill = 20_000_000 // len(requests.get(events.collection, timeout=5).content)
    with ExitStack() as stack:
        clients = {name: stack.enter_context(connection(events)) for name in beginnings}
        for name, beginning in beginnings.items():
            clients[name].sendall(beginning)
        unread = [stack.enter_context(connection(events)) for _ in range(20)]
        for client in unread:
            client.sendall(list_request * answers_to_fill)
        many = [stack.enter_context(connection(events)) for _ in range(200)]
        for client in many:
            client.sendall(b"GET /")
        answer = requests.get(events.collection, timeout=5)
        assert answer.status_code == 200
        answers = {name: everything(client) for name, client in clients.items()}
        for client in many:
            assert_problem(everything(client), 408)
        ports = {client.getsockname()[1] for client in unread}
        wait_for(lambda: not ports & connected_ports(events))
    assert_problem(answers.pop("refused, but sending"), 413)
    for name in beginnings.keys() - {"refused, but sending"}:
        assert_problem(answers[name], 408)
