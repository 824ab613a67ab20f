"""The export of a collection as NDJSON."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import connect
from tests.integration.http.served import Served, problem, searchable, serving
from tests.services import KINDS

EXPORT = {"accept": "application/x-ndjson"}


async def test_it_is_a_line_for_each_resource_as_the_list_has_it(either: Served) -> None:
    for _ in range(3):
        await either.create()
    listed = await either.worker.request("GET", f"{either.collection}?limit=1000")
    answer = await either.worker.request("GET", either.collection, headers=EXPORT)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    *lines, behind_the_last = answer.body.split(b"\n")
    assert behind_the_last == b""
    assert [json.loads(line) for line in lines] == json.loads(listed.body)


async def test_it_has_no_entity_tag_and_nobody_keeps_it(either: Served) -> None:
    path = await either.create()
    for _ in range(2):
        answer = await either.worker.request("GET", either.collection, headers=EXPORT)
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert "cache-status" not in answer.headers
        conditional = await either.worker.request(
            "GET", either.collection, headers={**EXPORT, "if-none-match": "*"}
        )
        assert conditional.status == 200
    await either.worker.request("DELETE", path)
    identifier = path.rpartition("/")[2].encode()
    after = await either.worker.request("GET", either.collection, headers=EXPORT)
    assert (identifier in answer.body, identifier in after.body) == (True, False)


async def test_head_is_get_without_content(either: Served) -> None:
    get = await either.worker.request("GET", either.collection, headers=EXPORT)
    head = await either.worker.request("HEAD", either.collection, headers=EXPORT)
    assert (head.status, head.body) == (200, b"")
    assert "content-length" not in head.headers
    for name in ("content-type", "vary", "cache-control"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("query", ["limit=10", "cursor=x", "page=2"])
async def test_it_is_the_whole_so_there_are_no_pages(either: Served, query: str) -> None:
    answer = await either.worker.request("GET", f"{either.collection}?{query}", headers=EXPORT)
    detail = problem(answer, 400)["detail"]
    assert f'"{query.partition("=")[0]}" is unknown; the parameters here are: from,' in detail


@pytest.mark.parametrize("name", KINDS)
async def test_of_nothing_it_is_empty(mongodb: EmbeddedMongoDB, name: str) -> None:
    async with serving(name, mongodb) as served:
        answer = await served.worker.request("GET", served.collection, headers=EXPORT)
        assert (answer.status, answer.body) == (200, b"")


async def test_what_cannot_be_read_is_left_out_with_a_warning(
    mongodb: EmbeddedMongoDB, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"test-{uuid4()}"
    async with (
        serving("events", mongodb, mongodb_database=name) as served,
        connect(mongodb.uri) as client,
    ):
        first, second = await served.create(), await served.create()
        await client[name]["Events"].update_one({}, {"$set": {"title": 7}})
        answer = await served.worker.request("GET", served.collection, headers=EXPORT)
        (line,) = answer.body.splitlines()
        assert f"/events/{json.loads(line)['id']}" == second
        assert f"{first[1:]} cannot be read" in caplog.text


async def test_it_has_what_the_filters_select_in_their_order(mongodb: EmbeddedMongoDB) -> None:
    async with serving("events", mongodb) as served:
        await searchable(served)
        for title in ("B", "C", "A"):
            body = json.dumps({**served.example, "title": title, "organizer": title}).encode()
            await served.worker.request("POST", "/events", body)
        for query, titles in (("sort=title", "ABC"), ("sort=-title&organizer=c", "C")):
            answer = await served.worker.request("GET", f"/events?{query}", headers=EXPORT)
            assert [json.loads(line)["title"] for line in answer.body.splitlines()] == [*titles]
