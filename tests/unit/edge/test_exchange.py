"""The outermost layer: an id for each request, and the error boundary."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Sequence
from typing import Any

import pytest

from microservice_chassis.edge.asgi import Application, Message, Receive, Scope, Send
from microservice_chassis.edge.exchange import ExchangeLayer
from microservice_chassis.edge.routes import ROUTE
from microservice_chassis.edge.stream import CutOff
from tests.routes import ROUTES


async def ask(
    app: Application, path: str = "/events", headers: Sequence[tuple[bytes, bytes]] = ()
) -> list[Message]:
    """What an application behind the layer sends."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: Scope = {"type": "http", "method": "GET", "path": path, "headers": list(headers)}
    await ExchangeLayer(app, ROUTES)(scope, receive, send)
    return sent


async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
    body = str(scope[ROUTE].template).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": body})


def request_id(sent: list[Message]) -> bytes:
    (value,) = [value for name, value in sent[0]["headers"] if name == b"x-request-id"]
    return bytes(value)


async def test_each_answer_has_an_id_of_its_request() -> None:
    ids = {request_id(await ask(answer)) for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(rb"[0-9a-f]{16}", each) for each in ids)


@pytest.mark.parametrize("given", [b"a", b"trace-1/2:3=x~y@z", b"x" * 128])
async def test_a_well_formed_id_of_the_client_is_kept(given: bytes) -> None:
    assert request_id(await ask(answer, headers=[(b"x-request-id", given)])) == given


@pytest.mark.parametrize("given", [b"", b"a b", b"a\xff", b"x" * 129, b"a;b", b'"'])
async def test_any_other_is_replaced(given: bytes) -> None:
    assert request_id(await ask(answer, headers=[(b"x-request-id", given)])) != given


async def test_the_layers_behind_find_the_route() -> None:
    assert (await ask(answer, "/health/live"))[1]["body"] == b"/health/live"


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError("a secret of the service")


async def test_an_exception_is_one_problem_and_one_log_line_with_the_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        start, body = await ask(broken)
    headers = dict(start["headers"])
    document = json.loads(body["body"])
    assert start["status"] == document["status"] == 500
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"content-length"] == b"%d" % len(body["body"])
    assert document["detail"] == "The service failed; its log says why."
    assert b"secret" not in body["body"]
    (record,) = caplog.records
    assert record.getMessage() == f"request {request_id([start]).decode()} failed: GET /events"
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


async def test_an_answer_that_has_begun_ends_without_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    assert [message["type"] for message in await ask(half)] == ["http.response.start"]
    assert len(caplog.records) == 1


async def test_a_cancelled_request_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def cancelled(*_: Any) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await ask(cancelled)
    assert caplog.records == []


async def test_an_answer_that_a_worker_breaks_off_is_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def cancelled(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await ask(cancelled, headers=[(b"x-request-id", b"abc")])
    assert [record.getMessage() for record in caplog.records] == [
        "request abc was cut off: GET /events: the worker ends"
    ]


async def test_an_answer_that_cannot_be_completed_is_one_line_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def cut_off(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        raise CutOff("MongoDB is gone")

    sent = await ask(cut_off, headers=[(b"x-request-id", b"abc")])
    assert [message.get("more_body") for message in sent] == [None, True]
    assert [record.getMessage() for record in caplog.records] == [
        "request abc was cut off: GET /events: MongoDB is gone"
    ]
    assert caplog.records[0].exc_info is None
