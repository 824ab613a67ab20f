"""A new service needs a model, a dator, two resources and an app of a few lines."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import connect
from tests.bookmarks import app
from tests.integration.asgi import AsgiClient

BODY = b'{"url": "https://falcon.example/docs", "why": "worth reading"}'


async def test_it_does_what_the_other_services_do(mongodb: EmbeddedMongoDB) -> None:
    settings = app.Settings(mongodb_database=f"test-{uuid4()}")
    async with (
        connect(mongodb.uri) as client,
        AsgiClient(app.create_app(settings, client=client)) as worker,
    ):
        created = await worker.request("POST", "/bookmarks", BODY)
        assert created.status == 201
        path = created.headers["location"]
        bookmark = json.loads(created.body)
        assert (bookmark["host"], bookmark["why"]) == ("falcon.example", "worth reading")
        patched = await worker.request("PATCH", path, b'{"url": "https://msgspec.example/"}')
        assert json.loads(patched.body)["host"] == "msgspec.example"
        page = await worker.request("GET", "/bookmarks")
        assert json.loads(page.body) == [json.loads(patched.body)]
        refused = await worker.request("POST", "/bookmarks", b'{"url": "short"}')
        assert json.loads(refused.body)["errors"][0]["pointer"] == "/url"
        document = await client[settings.mongodb_database]["Bookmarks"].find_one({})
        assert document is not None
        assert document["host"] == "msgspec.example"
        assert (await worker.request("DELETE", path)).status == 200
        assert (await worker.request("GET", path)).status == 404


def test_its_application_is_one_object_however_often_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, mongodb: EmbeddedMongoDB
) -> None:
    monkeypatch.setenv("MONGODB_URI", mongodb.uri)
    assert app.application is app.application
    with pytest.raises(AttributeError):
        _ = app.nothing
