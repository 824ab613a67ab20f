from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from tests.e2e.health_check import check
from tests.services import Service, free_port

NOBODY = "http://127.0.0.1:1"


def port_of(service: Service) -> str:
    return service.url.rpartition(":")[2]


def test_a_service_that_is_ready_is_healthy(either: Service) -> None:
    assert check(PORT=port_of(either)) == (0, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])  # noqa: S104
def test_the_address_that_the_service_listens_on_is_asked(events: Service, host: str) -> None:
    assert check(PORT=port_of(events), HOST=host) == (0, "")


def test_a_proxy_is_not_asked(events: Service) -> None:
    assert check(PORT=port_of(events), http_proxy=NOBODY, HTTP_PROXY=NOBODY) == (0, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_where_nobody_answers_one_line_says_so(host: str) -> None:
    port = str(free_port())
    status, said = check(PORT=port, HOST=host)
    assert status == 1
    assert said == f"the service on port {port} is not ready: [Errno 111] Connection refused\n"


@contextmanager
def stranger(answer: bytes) -> Iterator[str]:
    """The port of a server that answers one connection with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)

        serving = Thread(target=serve)
        serving.start()
        yield str(listener.getsockname()[1])
        serving.join()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "Service Unavailable"),
        (b"220 mail.example.com\r\n", "what answers there does not speak HTTP"),
    ],
)
def test_who_is_not_ready_or_no_service_is_said_in_one_line(answer: bytes, said: str) -> None:
    with stranger(answer) as port:
        status, line = check(PORT=port)
    assert status == 1
    assert line.splitlines() == [f"the service on port {port} is not ready: {said}"]
