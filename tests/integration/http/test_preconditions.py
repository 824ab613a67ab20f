"""If-Match and If-None-Match on writes (RFC 9110, sections 13.1.1 and 13.1.2).

Of those who change the same revision one wins.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import Document
from tests.examples import LEGACY_EVENT
from tests.integration.asgi import HIT, Answer, cache_status, until_hit
from tests.integration.http.served import Served, problem, serving

METHODS = ["PUT", "PATCH", "DELETE"]


async def write(served: Served, method: str, path: str, *if_match: str) -> Answer:
    headers = [("if-match", value) for value in if_match]
    body = b"" if method == "DELETE" else served.body
    return await served.worker.request(method, path, body, headers)


async def tag_of(served: Served, path: str) -> str:
    return (await served.worker.request("GET", path)).headers["etag"]


@pytest.mark.parametrize("method", METHODS)
async def test_the_current_tag_lets_a_write_through(either: Served, method: str) -> None:
    path = await either.create()
    current = await tag_of(either, path)
    answer = await write(either, method, path, current)
    assert answer.status == 200
    if method != "DELETE":
        assert answer.headers["etag"] == await tag_of(either, path) != current


@pytest.mark.parametrize("method", METHODS)
async def test_an_earlier_tag_is_refused_and_nothing_changes(either: Served, method: str) -> None:
    path = await either.create()
    earlier = await tag_of(either, path)
    assert (await write(either, "PUT", path)).status == 200
    await until_hit(either.worker, path)
    await until_hit(either.worker, either.collection)
    before = await either.worker.request("GET", path)
    refused = problem(await write(either, method, path, earlier), 412)
    assert "If-Match" in refused["detail"]
    after = await either.worker.request("GET", path)
    assert (after.body, after.headers["etag"]) == (before.body, before.headers["etag"])
    # What has changed nothing leaves what is kept as it is.
    assert cache_status(after) == HIT
    assert cache_status(await either.worker.request("GET", either.collection)) == HIT


@pytest.mark.parametrize("method", METHODS)
async def test_a_star_stands_for_whatever_exists(either: Served, method: str) -> None:
    assert (await write(either, method, await either.create(), "*")).status == 200


@pytest.mark.parametrize("if_match", ["*", '"a"', ""])
@pytest.mark.parametrize("method", METHODS)
async def test_what_does_not_exist_is_not_found_first(
    either: Served, method: str, if_match: str
) -> None:
    path = f"{either.collection}/{'f' * 24}"
    problem(await write(either, method, path, if_match), 404)


@pytest.mark.parametrize("method", METHODS)
async def test_one_of_several_tags_is_enough(either: Served, method: str) -> None:
    path = await either.create()
    current = await tag_of(either, path)
    assert (await write(either, method, path, '"a", "b,c"', f'W/"d", {current}')).status == 200


@pytest.mark.parametrize("method", METHODS)
async def test_a_tag_that_names_no_revision_of_it_is_refused(either: Served, method: str) -> None:
    path, other = await either.create(), await either.create()
    current, identifier = await tag_of(either, path), path.rpartition("/")[2]
    for tag in (
        f"W/{current}",
        await tag_of(either, other),
        f'"{identifier}"',
        f'"{identifier}-"',
        f'"{identifier}-\xb9"',
        f'"{identifier}-{"9" * 5000}"',
        f'"{identifier}-{2**62}"',
        '"',
        ",",
    ):
        problem(await write(either, method, path, tag), 412)
    assert await tag_of(either, path) == current


@pytest.mark.parametrize("method", METHODS)
async def test_of_writes_of_the_same_revision_exactly_one_wins(either: Served, method: str) -> None:
    path = await either.create()
    current = await tag_of(either, path)
    answers = await asyncio.gather(*(write(either, method, path, current) for _ in range(20)))
    lost = 404 if method == "DELETE" else 412
    assert sorted(answer.status for answer in answers) == [200] + [lost] * 19


async def test_a_part_that_others_depend_on_is_changed_at_its_revision_only(
    mongodb: EmbeddedMongoDB,
) -> None:
    async with serving("events", mongodb) as served:
        path = await served.create()
        earlier = await tag_of(served, path)
        for patch in (b'{"time": "10:00"}', b'{"location": {"latitude": 1}}'):
            current = await tag_of(served, path)
            headers = {"if-match": current}
            assert (await served.worker.request("PATCH", path, patch, headers)).status == 200
            headers = {"if-match": earlier}
            problem(await served.worker.request("PATCH", path, patch, headers), 412)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("revision", [None, 3])
async def test_a_document_of_an_earlier_form_has_its_revision(
    mongodb: EmbeddedMongoDB, method: str, revision: int | None
) -> None:
    name = f"test-{uuid4()}"
    kept: dict[str, Any] = {**LEGACY_EVENT} | ({"revision": revision} if revision else {})
    async with AsyncMongoClient[Document](mongodb.uri) as client:
        collection = client[name]["Events"]
        async with serving("events", mongodb, mongodb_database=name) as served:
            identifier = (await collection.insert_one(kept)).inserted_id
            path = f"/events/{identifier}"
            other = f'"{identifier}-7"'
            problem(await write(served, method, path, other), 412)
            assert (await write(served, method, path, await tag_of(served, path))).status == 200


async def test_what_cannot_be_read_is_said_before_a_tag_that_does_not_hold(
    mongodb: EmbeddedMongoDB,
) -> None:
    name = f"test-{uuid4()}"
    async with (
        AsyncMongoClient[Document](mongodb.uri) as client,
        serving("events", mongodb, mongodb_database=name) as served,
    ):
        path = await served.create()
        tag = await tag_of(served, path)
        odd = {"$set": {"timezone": "Mars/Olympus"}, "$inc": {"revision": 1}}
        await client[name]["Events"].update_one({}, odd)
        problem(await write(served, "PATCH", path, tag), 409)
        problem(await write(served, "PUT", path, tag), 412)
        assert (await write(served, "PUT", path, "*")).status == 200
        found = await served.worker.request("GET", path)
        assert json.loads(found.body)["title"] == served.example["title"]


async def write_unless(served: Served, method: str, path: str, **conditions: str) -> Answer:
    """Write with conditions, whose names have no hyphens here."""
    headers = {name.replace("_", "-"): value for name, value in conditions.items()}
    body = b"" if method == "DELETE" else served.body
    return await served.worker.request(method, path, body, headers)


@pytest.mark.parametrize("method", METHODS)
async def test_what_must_not_exist_and_does_is_refused_and_stays(
    either: Served, method: str
) -> None:
    path = await either.create()
    current = await tag_of(either, path)
    for tags in ("*", current, f"W/{current}", f'"a", {current}'):
        refused = problem(await write_unless(either, method, path, if_none_match=tags), 412)
        assert "If-None-Match" in refused["detail"]
    assert await tag_of(either, path) == current


@pytest.mark.parametrize("method", METHODS)
async def test_another_tag_than_the_current_one_refuses_nothing(
    either: Served, method: str
) -> None:
    path = await either.create()
    earlier = await tag_of(either, path)
    assert (await write(either, "PUT", path)).status == 200
    tags = f'{earlier}, "a"'
    assert (await write_unless(either, method, path, if_none_match=tags)).status == 200


@pytest.mark.parametrize("if_none_match", ["*", '"a"', ""])
@pytest.mark.parametrize("method", METHODS)
async def test_what_must_not_exist_and_does_not_is_not_found_all_the_same(
    either: Served, method: str, if_none_match: str
) -> None:
    path = f"{either.collection}/{'f' * 24}"
    problem(await write_unless(either, method, path, if_none_match=if_none_match), 404)


@pytest.mark.parametrize("method", METHODS)
async def test_both_conditions_must_hold(either: Served, method: str) -> None:
    path = await either.create()
    current = await tag_of(either, path)
    both = {"if_match": current, "if_none_match": current}
    problem(await write_unless(either, method, path, **both), 412)
    problem(await write_unless(either, method, path, if_match="*", if_none_match="*"), 412)
    problem(await write_unless(either, method, path, if_match='"a"', if_none_match='"a"'), 412)
    both = {"if_match": current, "if_none_match": '"a"'}
    assert (await write_unless(either, method, path, **both)).status == 200


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("revision", [None, 3])
async def test_a_document_of_an_earlier_form_is_not_written_where_its_tag_must_not_match(
    mongodb: EmbeddedMongoDB, method: str, revision: int | None
) -> None:
    name = f"test-{uuid4()}"
    kept: dict[str, Any] = {**LEGACY_EVENT} | ({"revision": revision} if revision else {})
    async with AsyncMongoClient[Document](mongodb.uri) as client:
        collection = client[name]["Events"]
        async with serving("events", mongodb, mongodb_database=name) as served:
            path = f"/events/{(await collection.insert_one(kept)).inserted_id}"
            current = await tag_of(served, path)
            problem(await write_unless(served, method, path, if_none_match=current), 412)
            answer = await write_unless(served, method, path, if_none_match='"a"')
            assert answer.status == 200


async def test_a_part_that_others_depend_on_is_changed_unless_its_tag_must_not_match(
    mongodb: EmbeddedMongoDB,
) -> None:
    async with serving("events", mongodb) as served:
        path = await served.create()
        for patch in (b'{"time": "10:00"}', b'{"location": {"latitude": 1}}'):
            current = await tag_of(served, path)
            for tags in (current, "*"):
                headers = {"if-none-match": tags}
                problem(await served.worker.request("PATCH", path, patch, headers), 412)
            headers = {"if-none-match": '"a"'}
            assert (await served.worker.request("PATCH", path, patch, headers)).status == 200


async def test_a_post_to_the_collection_ignores_both(either: Served) -> None:
    for headers in ({"if-none-match": "*"}, {"if-match": '"a"'}):
        answer = await either.worker.request("POST", either.collection, either.body, headers)
        assert answer.status == 201
