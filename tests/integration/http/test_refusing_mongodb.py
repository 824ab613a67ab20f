"""A MongoDB that cannot be used: each request has its problem, and the log has a line."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from events_microservice.app import create_app
from events_microservice.settings import Settings
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.process.shared_file import SharedFile, make
from microservice_chassis.storage.client import connect
from tests.databases import behind_index_builds, drop
from tests.examples import EVENT
from tests.integration.asgi import AsgiClient
from tests.mongod import Mongod
from tests.services import free_port

DATABASE = "EventsMicroservice"
ADMIN = "admin:secret@"
BODY = json.dumps(EVENT).encode()

REQUESTS = [
    ("GET", "/events", b""),
    ("POST", "/events", BODY),
    ("GET", f"/events/{'f' * 24}", b""),
    ("PUT", f"/events/{'f' * 24}", BODY),
    ("PATCH", f"/events/{'f' * 24}", b'{"title": "Changed"}'),
    ("DELETE", f"/events/{'f' * 24}", b""),
    ("GET", "/health/ready", b""),
]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A mongod that asks who somebody is."""
    with Mongod(free_port(), tmp_path_factory.mktemp("guarded"), "--auth") as mongod:
        mongod.command({"createUser": "admin", "pwd": "secret", "roles": ["root"]})
        yield mongod


@asynccontextmanager
async def working(uri: str, database: str = DATABASE) -> AsyncIterator[AsgiClient]:
    """A worker of the events service on that MongoDB."""
    settings = Settings(mongodb_uri=uri, mongodb_database=database)
    shared = SharedFile(make(settings.web_concurrency))
    async with (
        connect(uri) as client,
        AsgiClient(create_app(settings, client=client, shared=shared)) as worker,
    ):
        yield worker


async def statuses(worker: AsgiClient) -> dict[str, int]:
    """How each kind of request is answered; a refusal says so to a client, and no more."""
    answers = await asyncio.gather(
        *(worker.request(method, path, body) for method, path, body in REQUESTS)
    )
    for answer in answers:
        if answer.status >= 400:
            problem = json.loads(answer.body)
            assert problem["status"] == answer.status
            assert answer.headers["content-type"] == "application/problem+json"
        if answer.status == 503:
            assert problem["detail"] == "The database cannot be reached; try again soon."
            assert answer.headers["retry-after"] == "1"
    return {
        f"{method} {path.replace('f' * 24, 'id')}": answer.status
        for (method, path, _), answer in zip(REQUESTS, answers, strict=True)
    }


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says of MongoDB, without why; nothing else may be said."""
    assert not [record for record in caplog.records if record.exc_info]
    assert "secret" not in caplog.text
    return [
        record.getMessage().partition(":")[0]
        for record in caplog.records
        if record.levelno >= logging.WARNING
    ]


def create_user(mongod: Mongod, name: str, *roles: dict[str, str]) -> None:
    mongod.command({"createUser": name, "pwd": "right", "roles": list(roles)}, ADMIN)


async def test_who_is_not_known_has_503_until_he_is(
    guarded: Mongod, caplog: pytest.LogCaptureFixture
) -> None:
    uri = f"mongodb://new:right@{guarded.address}/?authSource=admin"
    async with working(uri) as worker:
        for _ in range(2):
            assert set((await statuses(worker)).values()) == {503}
            assert (await worker.request("GET", "/health/live")).status == 200
        assert lines(caplog) == ["MongoDB is unavailable"]
        role = {"role": "readWrite", "db": DATABASE}
        await asyncio.to_thread(create_user, guarded, "new", role)
        async with asyncio.timeout(20):
            while (await worker.request("GET", "/health/ready")).status != 200:
                pass
        assert set((await statuses(worker)).values()) == {200, 201, 404}
        assert lines(caplog) == ["MongoDB is unavailable", "MongoDB is available again"]


async def test_who_may_not_make_indexes_is_served_and_told_in_a_line(
    guarded: Mongod, caplog: pytest.LogCaptureFixture
) -> None:
    privileges = [
        {
            "resource": {"db": DATABASE, "collection": ""},
            "actions": ["find", "insert", "update", "remove"],
        },
        {
            "resource": {"db": DATABASE, "collection": "Events"},
            "actions": ["createIndex", "listIndexes"],
        },
    ]
    role = {"createRole": "writer", "privileges": privileges, "roles": []}
    await asyncio.to_thread(guarded.command, role, ADMIN)
    await asyncio.to_thread(create_user, guarded, "writer", {"role": "writer", "db": "admin"})
    uri = f"mongodb://writer:right@{guarded.address}/?authSource=admin"
    async with working(uri) as worker:
        async with asyncio.timeout(20):
            while "no intent can expire" not in caplog.text:
                await asyncio.sleep(0.01)
        for _ in range(2):
            answer = await worker.request("POST", "/events", BODY, {"idempotency-key": "a"})
            assert answer.status == 201
    assert lines(caplog) == ["events"]


async def test_who_may_only_read_has_503_where_something_is_written(
    guarded: Mongod, caplog: pytest.LogCaptureFixture
) -> None:
    privilege = {
        "resource": {"db": DATABASE, "collection": "Deployment"},
        "actions": ["find", "insert", "update"],
    }
    role = {"createRole": "deploy", "privileges": [privilege], "roles": []}
    await asyncio.to_thread(guarded.command, role, ADMIN)
    roles = ({"role": "read", "db": DATABASE}, {"role": "deploy", "db": "admin"})
    await asyncio.to_thread(create_user, guarded, "reader", *roles)
    uri = f"mongodb://reader:right@{guarded.address}/?authSource=admin"
    async with working(uri) as worker:
        for _ in range(3):
            assert await statuses(worker) == {
                "GET /events": 200,
                "POST /events": 503,
                "GET /events/id": 404,
                "PUT /events/id": 503,
                "PATCH /events/id": 404,  # which it finds out before it would write
                "DELETE /events/id": 503,
                "GET /health/ready": 503,
            }
        async with asyncio.timeout(20):
            while "the migration cannot go on" not in caplog.text:
                await asyncio.sleep(0.01)
        assert sorted(lines(caplog)) == ["MongoDB is unavailable", "events"]


async def test_an_error_that_nobody_expected_is_500_and_one_line_with_the_request(
    mongodb: EmbeddedMongoDB, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"test-{uuid4()}"
    async with working(mongodb.uri, name) as worker, connect(mongodb.uri) as client:
        created = await worker.request("POST", "/events", BODY)
        rule = {"collMod": "Events", "validator": {"title": {"$ne": "Forbidden"}}}
        await behind_index_builds(lambda: client[name].command(rule))
        body = b'{"title": "Forbidden"}'
        headers = {"x-request-id": "abc"}
        answer = await worker.request("PATCH", created.headers["location"], body, headers)
        assert (answer.status, json.loads(answer.body)["status"]) == (500, 500)
        assert [record.getMessage() for record in caplog.records] == [
            "request abc failed: PATCH /events/{id}"
        ]
        assert (await worker.request("GET", "/health/ready")).status == 200
        await drop(client, name)


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://nowhere.invalid/",
        "mongodb+srv://nowhere.invalid/",
        "mongodb://{address}/?tls=true",
        "mongodb://admin:secret@{address}/?authMechanism=PLAIN",
        "mongodb://{address}/?replicaSet=other",
    ],
)
async def test_what_cannot_be_connected_to_is_503(
    guarded: Mongod, caplog: pytest.LogCaptureFixture, uri: str
) -> None:
    async with working(uri.format(address=guarded.address)) as worker:
        assert set((await statuses(worker)).values()) == {503}
        for accept in ("application/x-ndjson", "text/calendar"):
            answer = await worker.request("GET", "/events", headers={"accept": accept})
            assert answer.status == 503
        assert lines(caplog) == ["MongoDB is unavailable"]
