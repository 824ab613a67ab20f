"""The order of what the response cache does: the application behind it is held up meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from microservice_chassis.caching.attachment import Attachment
from microservice_chassis.caching.local_store import LocalStore
from microservice_chassis.edge.asgi import Message, Receive, Scope, Send
from microservice_chassis.edge.exchange import ExchangeLayer
from microservice_chassis.edge.response_cache import ResponseCache
from microservice_chassis.process.shared_file import SharedFile, make
from tests.paused_driver import Stop
from tests.routes import ROUTES

PATH = "/events/0123456789abcdef01234567"


class Service:
    """An application that answers what it has, which can be held up behind the look at it."""

    def __init__(self) -> None:
        self.content = b"old"
        self.status = 200
        self.behind: Stop | None = None

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        status, content = self.status, self.content
        if self.behind is not None:
            await self.behind.pass_by()
        headers = [(b"etag", b'"%s"' % content)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


class Worker:
    def __init__(self, store: LocalStore, service: Service) -> None:
        cache = ResponseCache(service, store)
        self._app = ExchangeLayer(cache, ROUTES)

    async def get(self, path: str = PATH, query: bytes = b"") -> bytes:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope: Scope = {"type": "http", "method": "GET", "path": path, "headers": []}
        await self._app({**scope, "query_string": query}, receive, send)
        body: bytes = sent[1]["body"]
        return body


@pytest.fixture
def store() -> LocalStore:
    return LocalStore(60, Attachment(SharedFile(make(7))))


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def worker(store: LocalStore, service: Service) -> Worker:
    return Worker(store, service)


async def test_what_was_read_before_a_write_ended_is_not_kept_under_the_stamp_behind_it(
    worker: Worker, store: LocalStore, service: Service
) -> None:
    stop = service.behind = Stop()
    reading = asyncio.create_task(worker.get())
    await stop.until_reached()
    async with store.change("events", PATH[1:]):
        service.content = b"new"
    stop.open()
    assert await reading == b"old"  # it began before the write was answered
    service.behind = None
    assert await worker.get() == b"new"
    assert await worker.get() == b"new"


async def test_a_read_that_waited_for_another_takes_the_stamp_when_it_begins(
    worker: Worker, store: LocalStore, service: Service
) -> None:
    stop = service.behind = Stop()
    first = asyncio.create_task(worker.get())
    await stop.until_reached()
    second = asyncio.create_task(worker.get())
    await asyncio.sleep(0)
    async with store.change("events", PATH[1:]):
        service.content = b"new"
    stop.open()
    assert (await first, await second) == (b"old", b"new")
    service.content = b"not read"
    assert await worker.get() == b"new", "the second is kept"


async def test_an_answer_without_success_is_not_kept(worker: Worker, service: Service) -> None:
    service.status = 404
    assert await worker.get() == b"old"
    service.status, service.content = 200, b"new"
    assert await worker.get() == b"new"


async def test_each_query_has_an_entry_of_its_own(worker: Worker, service: Service) -> None:
    assert await worker.get("/events", b"limit=1") == b"old"
    service.content = b"new"
    assert await worker.get("/events", b"limit=2") == b"new"
    assert await worker.get("/events") == b"new"
    assert await worker.get("/events", b"limit=1") == b"old"
