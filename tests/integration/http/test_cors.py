"""CORS over a service: hits, misses, refusals and problems alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from tests.integration.asgi import HIT, STORED, cache_status
from tests.integration.http.served import Served, problem, serving
from tests.keys import READ, WRITE, bearer, key_file

FRIEND, OTHER = {"origin": "https://app.example"}, {"origin": "http://localhost:3000"}
STRANGER = {"origin": "https://evil.example"}
ALLOW = "access-control-allow-origin"


@pytest.fixture
async def served(mongodb: EmbeddedMongoDB, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(
        "events",
        mongodb,
        cors_allow_origins="https://app.example,http://localhost:3000",
        api_keys_file=key_file(tmp_path / "keys"),
    ) as served:
        yield served


async def test_a_hit_has_the_headers_of_whoever_asks_and_not_of_who_asked_before(
    served: Served,
) -> None:
    key = bearer(WRITE)
    created = await served.worker.request("POST", "/events", served.body, key | FRIEND)
    assert created.headers[ALLOW] == FRIEND["origin"]
    path = created.headers["location"]
    for origin, status in ((FRIEND, STORED), (OTHER, HIT), (FRIEND, HIT)):
        answer = await served.worker.request("GET", path, headers=key | origin)
        assert cache_status(answer) == status
        assert answer.headers[ALLOW] == origin["origin"]
        assert answer.headers["vary"].split(", ") == ["Accept", "Origin"]
    for headers in (STRANGER, {}):
        answer = await served.worker.request("GET", path, headers=key | headers)
        assert cache_status(answer) == HIT
        assert ALLOW not in answer.headers
        assert "Origin" in answer.headers["vary"]


async def test_a_script_can_read_what_was_wrong(served: Served) -> None:
    refusals = [
        ("GET", "/events", {}, 401),
        ("GET", "/events", {"authorization": "Bearer"}, 400),
        ("POST", "/events", bearer(READ), 403),
        ("GET", "/nothing", bearer(READ), 404),
        ("PURGE", "/events", bearer(WRITE), 405),
        ("GET", "/events", bearer(READ) | {"accept": "text/html"}, 406),
        ("GET", "/events?limit=0", bearer(READ), 400),
    ]
    for method, path, headers, status in refusals:
        answer = await served.worker.request(method, path, headers=headers | FRIEND)
        problem(answer, status)
        assert answer.headers[ALLOW] == FRIEND["origin"]
        assert "Origin" in answer.headers["vary"]


async def test_who_allows_nobody_says_nothing_of_it(mongodb: EmbeddedMongoDB) -> None:
    async with serving("notifications", mongodb) as served:
        for method in ("GET", "OPTIONS"):
            headers = FRIEND | {"access-control-request-method": "POST"}
            answer = await served.worker.request(method, served.collection, headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            assert "Origin" not in answer.headers.get("vary", "")
