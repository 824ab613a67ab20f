"""Which worker takes a connection, and what becomes of connections when workers end."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

import psutil
import pytest

from microservice_chassis.process.seats import FULL_CONNECTIONS
from tests.e2e.connections import connection, everything, parse
from tests.process_tree import client_connections, gone, tree, wait_for
from tests.services import Service, service

LIVE = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = LIVE.replace(b"Host: a", b"Host: a\r\nConnection: close")
CORES = min(len(os.sched_getaffinity(0)), 7)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An events service of this module's own, whose workers may be stopped and replaced."""
    directory = tmp_path_factory.mktemp("connections")
    with (directory / "log").open("wb") as log:
        events = service("events", directory / "data", log)
        with events.process:
            events.process.wait_until_ready()
            wait_for(lambda: len(tree(events)["worker"]) == 7)
            yield events


@contextmanager
def clients(events: Service, number: int) -> Iterator[list[socket.socket]]:
    """So many connections, each of which has been answered."""
    with ExitStack() as stack:
        connected = [stack.enter_context(connection(events)) for _ in range(number)]
        for client in connected:
            client.sendall(LIVE)
        for client in connected:
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        yield connected


@contextmanager
def suspended(workers: Iterable[psutil.Process]) -> Iterator[None]:
    """Stop these workers, without their knowing (SIGSTOP), for a while."""
    for worker in workers:
        worker.suspend()
    try:
        yield
    finally:
        for worker in workers:
            with suppress(psutil.NoSuchProcess):
                worker.resume()


def fill_the_first(events: Service) -> list[psutil.Process]:
    """The workers that take the connections while there are few."""
    wait_for(lambda: not any(client_connections(events).values()))
    with clients(events, 20 * CORES):
        return [worker for worker, count in client_connections(events).items() if count == 20]


def test_few_connections_are_shared_by_as_many_workers_as_there_are_cores(target: Service) -> None:
    # A worker that gets no processor for long enough counts as stuck, hence the patience.
    wait_for(lambda: len(fill_the_first(target)) == CORES)


def test_more_connections_than_the_first_workers_take_come_to_others(target: Service) -> None:
    number = FULL_CONNECTIONS * CORES + 100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 2 * number), hard), hard))
    with ExitStack() as stack:
        connected = [stack.enter_context(connection(target)) for _ in range(number)]
        for client in connected:
            client.sendall(LIVE)
        answers = Counter(client.recv(65536)[:15] for client in connected)
        shares = client_connections(target).values()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert answers == {b"HTTP/1.1 200 OK": number}
    assert sum(shares) == number
    assert sum(share > 0 for share in shares) >= min(CORES + 1, 7)


def test_nobody_waits_for_a_stuck_worker(target: Service) -> None:
    with suspended(fill_the_first(target) or tree(target)["worker"][:CORES]):
        for _ in range(20):
            with clients(target, 1):
                pass


def test_a_worker_that_dies_leaves_no_connections_behind(target: Service) -> None:
    with clients(target, 50):
        victims = [worker for worker, count in client_connections(target).items() if count]
        for victim in victims:
            victim.kill()
        wait_for(lambda: gone(victims) and len(tree(target)["worker"]) == 7)
    wait_for(lambda: len(fill_the_first(target)) == CORES)


def test_without_files_for_connections_they_wait_and_nobody_spins(target: Service) -> None:
    workers = tree(target)["worker"]
    limits = {worker: worker.rlimit(psutil.RLIMIT_NOFILE) for worker in workers}
    with ExitStack() as stack:
        for worker, (_, hard) in limits.items():
            stack.callback(worker.rlimit, psutil.RLIMIT_NOFILE, limits[worker])
            worker.rlimit(psutil.RLIMIT_NOFILE, (1, hard))
        before = sum(sum(worker.cpu_times()[:2]) for worker in workers)
        client = stack.enter_context(connection(target))
        client.sendall(LAST)
        client.settimeout(1)
        with pytest.raises(TimeoutError):
            client.recv(1)
        # Seven that spin would take all of the second on each core.
        assert sum(sum(worker.cpu_times()[:2]) for worker in workers) - before < 0.5
        for worker, limit in limits.items():
            worker.rlimit(psutil.RLIMIT_NOFILE, limit)
        client.settimeout(20)
        assert everything(client).startswith(b"HTTP/1.1 200 ")
    assert tree(target)["worker"] == workers


class Requests:
    """Requests without a pause, and what became of them."""

    def __init__(self, events: Service) -> None:
        address = urlsplit(events.url)
        self._address = (address.hostname, address.port)
        self.answered = 0
        self.failures: list[str] = []
        self.ended = False

    async def on_fresh_connections(self) -> None:
        while not self.ended:
            await self._ask(await asyncio.open_connection(*self._address), LAST)

    async def on_kept_connections(self, pause_s: float = 0.0) -> None:
        while not self.ended:
            connected = await asyncio.open_connection(*self._address)
            while not self.ended and not connected[0].at_eof():
                if b"connection: close" in await self._ask(connected, LIVE):
                    break
                await asyncio.sleep(pause_s)
            connected[1].close()

    async def _ask(
        self, connected: tuple[asyncio.StreamReader, asyncio.StreamWriter], request: bytes
    ) -> bytes:
        reader, writer = connected
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"}")
        except (OSError, asyncio.IncompleteReadError) as error:
            self.failures.append(repr(error))
            return b"connection: close"
        self.answered += 1
        if request == LAST:
            writer.close()
        return head


async def test_sighup_fails_no_request(target: Service) -> None:
    assert target.process.process
    before = tree(target)["worker"]
    load = Requests(target)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(load.on_fresh_connections())
            group.create_task(load.on_kept_connections())
            group.create_task(load.on_kept_connections(pause_s=0.1))
        target.process.process.send_signal(signal.SIGHUP)
        while not gone(before):
            await asyncio.sleep(0.02)
        answered = load.answered
        while load.answered < answered + 100:
            await asyncio.sleep(0.02)
        load.ended = True
    assert load.failures == []
    wait_for(lambda: len(tree(target)["worker"]) == 7)
    wait_for(lambda: len(fill_the_first(target)) == CORES)


def test_sigterm_ends_behind_what_has_arrived(target: Service) -> None:
    """The last one of this module."""
    assert target.process.process
    parts = tree(target)
    with ExitStack() as stack:
        kept = stack.enter_context(clients(target, 20))
        with suspended(parts["worker"]):
            fresh = [stack.enter_context(connection(target)) for _ in range(40)]
            halves = kept[10:] + fresh[20:]
            for client in kept[:10] + fresh[:20]:
                client.sendall(LIVE)
            for client in halves:
                client.sendall(LIVE[:1])
            target.process.process.send_signal(signal.SIGTERM)
            wait_for(lambda: not listening(parts["master"][0]))
        wait_for(lambda: not any(listening(worker) for worker in parts["worker"]))
        for client in halves:
            client.sendall(LIVE[1:])
        for client in kept + fresh:
            (answer,) = parse(everything(client))
            assert answer.status == 200
            # Others may have been answered before their worker was told to end.
            assert client not in halves or answer.headers["connection"] == "close"
    assert target.process.stop() == 0


def listening(process: psutil.Process) -> bool:
    """Whether a process still has a socket that listens."""
    try:
        return any(each.status == psutil.CONN_LISTEN for each in process.net_connections())
    except psutil.NoSuchProcess:
        return False
