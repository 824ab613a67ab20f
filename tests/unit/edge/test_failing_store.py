"""A store that fails takes no read with it."""

from __future__ import annotations

import pytest

from microservice_chassis.caching.entry import Entry
from microservice_chassis.caching.no_store import NoStore
from microservice_chassis.caching.store import Found, Stamp
from microservice_chassis.edge.asgi import Message, Receive, Scope, Send
from microservice_chassis.edge.exchange import ExchangeLayer
from microservice_chassis.edge.response_cache import ResponseCache
from tests.routes import ROUTES


class FailingStore(NoStore):
    """One whose memory is out of reach."""

    async def find(self, key: str, name: str) -> Found:
        raise ConnectionError(key, name)

    async def keep(self, key: str, stamp: Stamp, entry: Entry) -> None:
        raise ConnectionError(key, stamp, entry)


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"etag", b'"a"')]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"[]"})


async def test_reads_are_answered_and_the_failure_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = ExchangeLayer(ResponseCache(answer, FailingStore()), ROUTES)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    for _ in range(3):
        scope: Scope = {"type": "http", "method": "GET", "path": "/events", "headers": []}
        await app({**scope, "query_string": b""}, receive, send)
    assert [message.get("status") for message in sent[::2]] == [200] * 3
    assert {message["body"] for message in sent[1::2]} == {b"[]"}
    assert (b"cache-status", b"eventpost; fwd=bypass") in sent[0]["headers"]
    assert len(caplog.records) == 1
