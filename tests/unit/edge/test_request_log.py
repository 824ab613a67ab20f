"""Which requests have a line in the log, and what it tells of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from microservice_chassis.edge.asgi import Message, Receive, Scope, Send
from microservice_chassis.edge.exchange import ExchangeLayer
from microservice_chassis.edge.request_counts import Kind, RequestCounts
from microservice_chassis.edge.request_log import CACHE, RequestLog
from microservice_chassis.edge.stream import CutOff
from tests.routes import ROUTES

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = (b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())
ID = (b"x-request-id", b"abc")


async def exchange(
    which: str,
    status: int,
    target: str = "/events",
    headers: Sequence[tuple[bytes, bytes]] = (ID,),
    cache: bytes | None = None,
) -> RequestCounts:
    """Ask for what is answered with a status; return what was counted."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if cache is not None:
            scope[CACHE] = cache
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    counts = RequestCounts()
    await ask(ExchangeLayer(app, ROUTES, counts, RequestLog(which)), target, headers)
    return counts


async def ask(
    layer: ExchangeLayer, target: str = "/events", headers: Sequence[tuple[bytes, bytes]] = (ID,)
) -> None:
    async def send(_message: Message) -> None:
        pass

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    path, _, query = target.partition("?")
    scope: Scope = {"type": "http", "method": "GET", "path": path, "headers": list(headers)}
    await layer({**scope, "query_string": query.encode()}, receive, send)


@pytest.mark.parametrize(
    ("which", "status", "level"),
    [
        ("errors", 200, None),
        ("errors", 404, None),
        ("errors", 500, "WARNING"),
        ("errors", 501, "WARNING"),
        ("errors", 503, None),
        ("all", 200, "INFO"),
        ("all", 404, "INFO"),
        ("all", 500, "WARNING"),
        ("all", 503, "INFO"),
        ("none", 500, None),
        ("none", 200, None),
    ],
)
async def test_the_setting_and_the_status_decide(
    which: str, status: int, level: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await exchange(which, status)
    assert [record.levelname for record in caplog.records] == ([level] if level else [])


@pytest.mark.parametrize(
    ("which", "duration_s", "lines"),
    [("errors", 1.001, 1), ("errors", 1.0, 0), ("all", 1.001, 1), ("none", 1.001, 0)],
)
def test_what_took_longer_than_a_second_is_a_line(
    which: str, duration_s: float, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    scope = {"method": "GET", "headers": [], "eventpost.route": ROUTES.match("/events")}
    with caplog.at_level(logging.WARNING):
        RequestLog(which).answered(scope, b"abc", 200, duration_s)
    assert len(caplog.records) == lines


async def test_a_line_tells_what_was_asked_and_how_it_went(
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = (ID, TRACEPARENT)
    with caplog.at_level(logging.INFO):
        await exchange("all", 200, "/events?from=now&limit=5", headers, b"eventpost; hit")
    (record,) = caplog.records
    fields: dict[str, Any] = record.__dict__["fields"]
    assert record.getMessage() == (
        f"request abc: GET /events?from&limit: 200 in {fields['duration_ms']:.1f} ms,"
        f" cache hit, trace_id {TRACE}"
    )
    assert 0 <= fields.pop("duration_ms") < 1000
    assert fields == {
        "request_id": "abc",
        "method": "GET",
        "route": "/events",
        "parameters": ["from", "limit"],
        "status": 200,
        "cache": "hit",
        "trace_id": TRACE,
    }


async def test_no_value_and_no_path_of_the_client_is_in_a_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    secrets = ("ann@example.com", "s3cret", "ANN")
    targets = [f"/events?to_mail={secrets[0]}&{secrets[0]}=1&{secrets[2]}", f"/{secrets[1]}"]
    headers = (ID, (b"authorization", b"Bearer s3cret"), (b"traceparent", b"s3cret"))
    with caplog.at_level(logging.INFO):
        for target in targets:
            await exchange("all", 200, target, headers)
    said = [(record.getMessage(), str(record.__dict__["fields"])) for record in caplog.records]
    assert len(said) == 2
    assert not any(secret in part for line in said for part in line for secret in secrets)
    assert said[0][0].startswith("request abc: GET /events?to_mail&?: 200 in ")
    assert said[1][0].startswith("request abc: GET an unknown path: 200 in ")


async def test_a_failed_request_is_one_line_with_its_fields_whatever_the_setting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    for which in ("errors", "all", "none"):
        caplog.clear()
        await ask(ExchangeLayer(broken, ROUTES, log=RequestLog(which)), headers=(ID, TRACEPARENT))
        (record,) = caplog.records
        assert record.exc_info
        fields: dict[str, Any] = record.__dict__["fields"]
        assert (fields["request_id"], fields["trace_id"]) == ("abc", TRACE)
        assert fields["status"] == 500


async def test_each_answer_is_counted_by_what_it_has_in_common_with_others() -> None:
    counts = await exchange("none", 200, cache=b"eventpost; hit")
    ((kind, durations),) = counts.take_answered().items()
    assert kind == Kind("/events", "GET", 200, b"eventpost; hit")
    assert durations.count == 1
    assert 0 < durations.total_s < 10
    assert counts.take_answered() == {}
    assert counts.in_flight == 0


async def test_an_answer_that_was_cut_off_is_counted_as_such_beside_its_status() -> None:
    async def cut_off(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise CutOff("gone")

    counts = RequestCounts()
    await ask(ExchangeLayer(cut_off, ROUTES, counts))
    assert (counts.take_cut_off(), counts.take_cut_off()) == (1, 0)
    assert [kind.status for kind in counts.take_answered()] == [200]


async def test_a_request_is_in_flight_until_it_ends_however_it_ends() -> None:
    counts = RequestCounts()
    seen = []

    async def cancelled(*_: object) -> None:
        seen.append(counts.in_flight)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await ask(ExchangeLayer(cancelled, ROUTES, counts))
    assert (seen, counts.in_flight, counts.take_answered()) == ([1], 0, {})


@pytest.mark.parametrize(
    ("which", "status", "lines"),
    [("errors", 408, 0), ("errors", 501, 1), ("all", 408, 1), ("none", 501, 0)],
)
def test_a_refusal_of_the_server_is_a_line_as_an_answer_is(
    which: str, status: int, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        RequestLog(which).refused("abc", status, "Why.")
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"request abc is refused: {status}, Why."] * lines
