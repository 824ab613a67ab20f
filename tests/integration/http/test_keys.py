"""API keys over both services: who reaches what, on every route that there is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from events_microservice.app import create_app as create_events
from events_microservice.settings import Settings as EventsSettings
from microservice_chassis.application import Service
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.process.shared_file import SharedFile, make
from microservice_chassis.storage.client import connect
from notifications_microservice.app import create_app as create_notifications
from notifications_microservice.settings import Settings as NotificationsSettings
from tests.integration.asgi import BYPASS, HIT, Answer, cache_status
from tests.integration.http.served import Served, problem, searchable, serving
from tests.keys import OTHER_WRITE, READ, WRITE, basic, bearer, key_file
from tests.services import KINDS

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PURGE", "get"]
READING = {"GET", "HEAD", "OPTIONS"}
UNKNOWN_ID = "f" * 24

# What strangers may reach: health, and the document and the page of the API.
OPEN = ("/health/live", "/health/ready", "/openapi.json", "/docs")
BELOW = "/docs/"

# What no route has, in spellings that lead to a route, and others that do not.
BESIDE = ["/", "", "/nothing", "/health", "/health/", "/health/live/x", "/metrics", "/health//live"]


@pytest.fixture(scope="module", params=KINDS)
async def guarded(
    request: pytest.FixtureRequest,
    mongodb: EmbeddedMongoDB,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Served]:
    """Each of the two services in turn, with keys."""
    path = key_file(tmp_path_factory.mktemp("keys") / "keys")
    async with serving(request.param, mongodb, api_keys_file=path) as served:
        yield served


@pytest.fixture
async def public(mongodb: EmbeddedMongoDB, tmp_path: Path) -> AsyncIterator[Served]:
    """An events service that anybody may read."""
    path = key_file(tmp_path / "keys")
    async with serving("events", mongodb, api_keys_file=path, public_read=True) as served:
        await searchable(served)
        yield served


async def templates(name: str, mongodb: EmbeddedMongoDB) -> tuple[str, ...]:
    """The templates of all the routes of a service, as it has them itself."""
    async with connect(mongodb.uri) as client:
        shared = SharedFile(make(1))
        service: Service = (
            create_events(EventsSettings(), client=client, shared=shared)
            if name == "events"
            else create_notifications(NotificationsSettings(), client=client, shared=shared)
        )
        return service.templates


def is_open(path: str) -> bool:
    return path in OPEN or path.startswith(BELOW)


async def paths(served: Served, mongodb: EmbeddedMongoDB) -> list[str]:
    routes = await templates(served.collection.strip("/"), mongodb)
    assert {served.collection, f"{served.collection}/{{id}}", "/health/live"} <= set(routes)
    return [each.replace("{id}", UNKNOWN_ID) for each in routes]


async def ask(served: Served, method: str, path: str, key: str | None = None) -> Answer:
    headers = {} if key is None else bearer(key)
    body = served.body if method in ("POST", "PUT", "PATCH") else b""
    return await served.worker.request(method, path, body, headers)


async def test_strangers_reach_health_and_the_api_document_and_nothing_else(
    guarded: Served, mongodb: EmbeddedMongoDB
) -> None:
    for path in await paths(guarded, mongodb):
        for spelling in (path, f"{path}/", f"/{path}", f"{path}?limit=1"):
            for method in METHODS:
                answer = await ask(guarded, method, spelling)
                assert (answer.status != 401) is is_open(path), (method, spelling)


@pytest.mark.parametrize("path", BESIDE)
@pytest.mark.parametrize("method", METHODS)
async def test_strangers_cannot_tell_what_exists(guarded: Served, path: str, method: str) -> None:
    answer = await ask(guarded, method, path)
    assert answer.status == 401
    if method != "HEAD":
        assert "Authorization: Bearer" in problem(answer, 401)["detail"]


async def test_who_may_only_read_changes_nothing_on_any_route(
    guarded: Served, mongodb: EmbeddedMongoDB
) -> None:
    for path in [*await paths(guarded, mongodb), *BESIDE]:
        for method in METHODS:
            answer = await ask(guarded, method, path, READ)
            forbidden = method not in READING and not is_open(path)
            assert (answer.status == 403) is forbidden, (method, path)
            assert answer.status != 401


async def test_who_may_write_passes_on_every_route(
    guarded: Served, mongodb: EmbeddedMongoDB
) -> None:
    for path in [*await paths(guarded, mongodb), *BESIDE]:
        for method in METHODS:
            answer = await ask(guarded, method, path, WRITE)
            assert answer.status not in (401, 403), (method, path)


async def test_a_hit_needs_a_key_as_a_miss_does(guarded: Served) -> None:
    path = (await ask(guarded, "POST", guarded.collection, WRITE)).headers["location"]
    for _ in range(2):
        answer = await ask(guarded, "GET", path, READ)
    assert cache_status(answer) == HIT
    assert answer.headers["cache-control"] == "no-cache, private"
    for headers in ({}, bearer("nobodys"), basic("nobodys")):
        refused = await guarded.worker.request("GET", path, headers=headers)
        problem(refused, 401)
        assert "cache-status" not in refused.headers
    tag = {"if-none-match": answer.headers["etag"]}
    assert (await guarded.worker.request("GET", path, headers=tag)).status == 401
    unchanged = await guarded.worker.request("GET", path, headers={**tag, **basic(READ)})
    assert (unchanged.status, unchanged.headers["cache-control"]) == (304, "no-cache, private")


async def test_what_a_key_was_needed_for_is_kept_by_no_shared_cache(
    guarded: Served, mongodb: EmbeddedMongoDB
) -> None:
    for path in [*await paths(guarded, mongodb), *BESIDE]:
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            said = (await ask(guarded, method, path, WRITE)).headers.get("cache-control", "")
            kept_by_some = "private" not in said and said != "no-store"
            assert kept_by_some is is_open(path), (method, path)


async def test_what_is_another_answer_at_another_time_is_not_kept_with_keys_either(
    guarded: Served,
) -> None:
    for query in ("from=today", "from=now"):
        path = f"{guarded.collection}?{query}"
        async with asyncio.timeout(30):  # until the indexes are built
            while (await ask(guarded, "GET", path, READ)).status == 503:
                await asyncio.sleep(0.02)
        for _ in range(2):
            answer = await ask(guarded, "GET", path, READ)
            assert (answer.status, cache_status(answer)) == (200, BYPASS)
            assert answer.headers["cache-control"] == "no-store"


async def test_what_is_wrong_is_said_in_its_order(guarded: Served) -> None:
    path = (await ask(guarded, "POST", guarded.collection, WRITE)).headers["location"]
    html, stale = {"accept": "text/html"}, {"if-match": '"x"'}

    async def status(method: str, target: str, headers: dict[str, str]) -> int:
        body = guarded.body
        return (await guarded.worker.request(method, target, body, headers)).status

    assert await status("PUT", f"{guarded.collection}/x", html | stale) == 401
    assert await status("PUT", f"{guarded.collection}/x", html | stale | bearer(READ)) == 403
    assert await status("POST", f"{guarded.collection}/x/y", html | bearer(WRITE)) == 404
    assert await status("POST", path, html | stale | bearer(WRITE)) == 405
    assert await status("PUT", path, html | stale | bearer(WRITE)) == 406
    assert await status("PUT", path, stale | bearer(WRITE)) == 412


async def test_a_calendar_program_reads_with_a_password(
    mongodb: EmbeddedMongoDB, tmp_path: Path
) -> None:
    async with serving("events", mongodb, api_keys_file=key_file(tmp_path / "keys")) as served:
        path = f"{(await ask(served, 'POST', '/events', WRITE)).headers['location']}.ics"
        challenged = await served.worker.request("GET", path)
        assert 'Basic realm="EventPost"' in challenged.headers["www-authenticate"]
        answer = await served.worker.request("GET", path, headers=basic(READ, "calendar"))
        assert answer.body.startswith(b"BEGIN:VCALENDAR")


async def test_an_idempotency_key_is_that_of_one_api_key(guarded: Served) -> None:
    key = {"idempotency-key": str(uuid4())}

    async def post(api_key: str, body: bytes) -> Answer:
        headers = key | bearer(api_key)
        return await guarded.worker.request("POST", guarded.collection, body, headers)

    for body in (guarded.body, b"[%s]" % guarded.body):
        key = {"idempotency-key": str(uuid4())}
        first, again = await post(WRITE, body), await post(WRITE, body)
        assert first.status == 201
        assert again.body == first.body
        of_another = await post(OTHER_WRITE, body)
        assert of_another.status == 201
        assert of_another.body != first.body
        problem(await post(OTHER_WRITE, body + b" "), 422)


async def test_events_can_be_public_to_read_and_are_not_to_write(
    public: Served, mongodb: EmbeddedMongoDB
) -> None:
    path = (await ask(public, "POST", "/events", WRITE)).headers["location"]
    for target in (path, "/events", "/events.ics", f"{path}.ics"):
        for method in ("GET", "HEAD"):
            answer = await ask(public, method, target)
            assert answer.status == 200
            assert "private" not in answer.headers.get("cache-control", "")
    for target in await paths(public, mongodb):
        for method in set(METHODS) - {"GET", "HEAD"}:
            assert ((await ask(public, method, target)).status == 401) is not is_open(target)
    for target in ("/nothing", "/metrics"):
        assert (await ask(public, "GET", target)).status == 401
    exported = {"accept": "application/x-ndjson"}
    answer = await public.worker.request("GET", "/events", headers=exported)
    assert json.loads(answer.body)["id"] in path


async def test_without_a_file_of_keys_nobody_needs_one(mongodb: EmbeddedMongoDB) -> None:
    async with serving("notifications", mongodb, cors_allow_origins="*") as served:
        answer = await served.worker.request(
            "POST", served.collection, served.body, bearer("nobodys")
        )
        assert answer.status == 201
        assert "cache-control" not in answer.headers
