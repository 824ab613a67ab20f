"""Exports of a running service: whole in constant memory, or cut off so that the client notices."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
import requests

from tests.e2e.connections import connection, everything
from tests.e2e.migration import database
from tests.many_events import fill
from tests.process_tree import tree, wait_for
from tests.services import Service, service

COUNT = 20_000
REQUEST = b"GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\n\r\n"
LAST_CHUNK = b"\r\n0\r\n\r\n"

# An export of that many is 12 MB.
MOST_GROWTH_BYTES = 6_000_000


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def full(data_dir: Path) -> Iterator[Service]:
    """An events service with many events."""
    with (data_dir / "log").open("wb") as log:
        target = service("events", data_dir / "data", log)
        with target.process:
            target.process.wait_until_ready()
            with database(data_dir / "data") as collection:
                fill(collection, COUNT)
            yield target


def slow_client(client: socket.socket) -> None:
    """Begin an export, and read so little of it that the service must wait."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    client.sendall(REQUEST)
    assert client.recv(16).startswith(b"HTTP/1.1 200 OK")


def memory_bytes(workers: list[psutil.Process]) -> dict[int, int]:
    return {worker.pid: worker.memory_info().rss for worker in workers}


def are_idle(workers: list[psutil.Process]) -> bool:
    """Whether nobody works during a look, which takes a moment."""
    return all(worker.cpu_percent(interval=0.05) < 20 for worker in workers)


def whole(client: socket.socket) -> bytes:
    """The rest of an answer in chunks, which must have a last one."""
    received = bytearray()
    while not received.endswith(LAST_CHUNK):
        chunk = client.recv(1 << 20)
        assert chunk
        received += chunk
    return bytes(received)


def said(data_dir: Path) -> str:
    return (data_dir / "log").read_text()


def test_an_export_is_whole_and_grows_no_worker(full: Service) -> None:
    headers = {"accept": "application/x-ndjson"}
    requests.get(full.collection, headers=headers, timeout=30)  # what a first one allocates
    workers = tree(full)["worker"]
    before = memory_bytes(workers)
    with requests.get(full.collection, headers=headers, timeout=30, stream=True) as answer:
        ids = [json.loads(line)["id"] for line in answer.iter_lines()]
    assert len(set(ids)) == len(ids) == COUNT
    assert ids == sorted(ids)
    after = memory_bytes(workers)
    assert max(after[pid] - before[pid] for pid in before) < MOST_GROWTH_BYTES


def test_a_client_that_does_not_read_makes_the_worker_wait(full: Service) -> None:
    workers = tree(full)["worker"]
    before = memory_bytes(workers)
    with connection(full) as client:
        slow_client(client)
        wait_for(partial(are_idle, workers))
        after = memory_bytes(workers)
        assert max(after[pid] - before[pid] for pid in before) < MOST_GROWTH_BYTES
        assert requests.get(full.collection, timeout=5).status_code == 200
        assert whole(client)


def test_an_export_that_nobody_reads_any_more_ends(full: Service, data_dir: Path) -> None:
    with database(data_dir / "data") as collection:

        def queries() -> int:
            status = collection.database.client.admin.command("serverStatus")
            return int(status["opcounters"]["query"])

        before = queries()
        with connection(full) as client:
            slow_client(client)
        wait_for(partial(are_idle, tree(full)["worker"]))
        assert queries() - before < 0.75 * COUNT / 500


def test_an_export_whose_database_is_lost_ends_without_its_last_chunk(
    full: Service, data_dir: Path
) -> None:
    before = said(data_dir).count("was cut off")
    with connection(full) as client:
        slow_client(client)
        (mongod,) = tree(full)["mongod"]
        mongod.suspend()
        try:
            received = everything(client)
        finally:
            mongod.resume()
    assert not received.endswith(LAST_CHUNK)
    assert said(data_dir).count("was cut off") == before + 1
    assert "Traceback" not in said(data_dir)
    full.process.wait_until_ready()
    answer = requests.get(full.collection, headers={"accept": "application/x-ndjson"}, timeout=30)
    assert answer.text.count("\n") == COUNT


def test_a_stop_waits_for_an_export_no_longer_than_for_any_answer(
    full: Service, data_dir: Path
) -> None:
    with connection(full) as client:
        slow_client(client)
        assert full.process.stop() == 0
        received = everything(client)
    assert not received.endswith(LAST_CHUNK)
    assert "was cut off: GET /events: the worker ends" in said(data_dir)
    assert "Traceback" not in said(data_dir)
    full.process.start()
    full.process.wait_until_ready()


def test_a_client_that_knows_no_chunks_is_told_so(full: Service) -> None:
    with connection(full) as client:
        client.sendall(REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"))
        received = everything(client)
    assert received.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert b"upgrade: HTTP/1.1\r\n" in received
