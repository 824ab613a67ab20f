"""What a client is told of a document that cannot be read as its resource."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from events_microservice.app import create_app
from events_microservice.settings import Settings
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import connect
from tests.examples import EVENT
from tests.integration.asgi import Answer, AsgiClient, working

BODY = json.dumps(EVENT).encode()


def problem(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(answer.body)
    assert document["status"] == status
    return document


async def test_each_method_does_with_it_what_the_contract_says(mongodb: EmbeddedMongoDB) -> None:
    settings = Settings(mongodb_database=f"test-{uuid4()}")
    async with (
        working(settings, mongodb) as worker,
        connect(mongodb.uri) as client,
    ):
        created = json.loads((await worker.request("POST", "/events", BODY)).body)
        path = f"/events/{created['id']}"
        collection = client[settings.mongodb_database]["Events"]
        await collection.update_one({}, {"$set": {"timezone": "Mars/Olympus"}})

        assert json.loads((await worker.request("GET", "/events")).body) == []
        found = problem(await worker.request("GET", path), 500)
        assert found["type"] == "urn:eventpost:unreadable"
        assert [error["pointer"] for error in found["errors"]] == ["/timezone"]
        refused = problem(await worker.request("PATCH", path, b'{"title": "New"}'), 409)
        assert refused["errors"] == found["errors"]
        assert "PUT" in refused["detail"]

        repaired = await worker.request("PUT", path, BODY)
        assert repaired.status == 200
        assert json.loads((await worker.request("GET", path)).body) == json.loads(repaired.body)

        await collection.update_one({}, {"$set": {"title": 7}})
        deleted = await worker.request("DELETE", path)
        assert (deleted.status, json.loads(deleted.body)) == (200, {"id": created["id"]})
        problem(await worker.request("GET", path), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_a_database_of_a_newer_form_is_answered_with_503(
    mongodb: EmbeddedMongoDB, method: str
) -> None:
    settings = Settings(mongodb_database=f"test-{uuid4()}")
    async with connect(mongodb.uri) as client:
        async with working(settings, mongodb) as worker:
            await worker.request("POST", "/events", BODY)
        await client[settings.mongodb_database]["Deployment"].update_one({}, {"$set": {"form": 99}})
        # Not started as a server starts it, for then it would end the process.
        worker = AsgiClient(create_app(settings, client=client))
        problem(await worker.request(method, f"/events/{'f' * 24}", BODY), 503)
