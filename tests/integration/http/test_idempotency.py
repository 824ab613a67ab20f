"""Idempotency-Key: a POST that is repeated answers what the first one did, and creates nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import Document
from tests.integration.asgi import Answer
from tests.integration.http.served import Served, problem, serving

LONGEST_KEY = "x" * 255


def new_key() -> str:
    return str(uuid4())


async def post(served: Served, key: str, body: bytes | None = None) -> Answer:
    return await served.worker.request(
        "POST", served.collection, served.body if body is None else body, {"idempotency-key": key}
    )


def same(answer: Answer) -> tuple[Any, ...]:
    """What a repeat must have in common with the first answer."""
    names = ("etag", "location", "content-type")
    return (answer.status, answer.body, *(answer.headers.get(name) for name in names))


async def count(served: Served) -> int:
    page = await served.worker.request("GET", f"{served.collection}?limit=1000")
    return len(json.loads(page.body))


def bodies(served: Served) -> list[bytes]:
    """One resource, and several."""
    return [served.body, b"[" + b",".join([served.body] * 3) + b"]"]


async def test_a_repeat_answers_the_same_and_creates_nothing(either: Served) -> None:
    for body in bodies(either):
        key = new_key()
        first = await post(either, key, body)
        assert first.status == 201
        before = await count(either)
        for _ in range(3):
            assert same(await post(either, key, body)) == same(first)
        assert await count(either) == before


async def test_a_repeat_answers_the_same_whatever_became_of_the_resource(either: Served) -> None:
    key = new_key()
    first = await post(either, key)
    path = first.headers["location"]
    assert (await either.worker.request("PUT", path, either.body)).status == 200
    assert same(await post(either, key)) == same(first)
    assert (await either.worker.request("DELETE", path)).status == 200
    assert same(await post(either, key)) == same(first)
    problem(await either.worker.request("GET", path), 404)


async def test_another_worker_answers_the_same_also_with_another_default(
    mongodb: EmbeddedMongoDB,
) -> None:
    name, key = f"test-{uuid4()}", new_key()
    async with serving("events", mongodb, mongodb_database=name) as served:
        example = {name: value for name, value in served.example.items() if name != "timezone"}
        one = json.dumps(example).encode()
        several = b"[" + one + b"," + served.body + b"]"
        first = [await post(served, key, one), await post(served, "several", several)]
    async with serving(
        "events", mongodb, mongodb_database=name, default_timezone="Asia/Tokyo"
    ) as other:
        again = [await post(other, key, one), await post(other, "several", several)]
        assert json.loads((await post(other, new_key(), one)).body)["timezone"] == "Asia/Tokyo"
    assert [same(each) for each in again] == [same(each) for each in first]
    assert json.loads(first[0].body)["timezone"] == "UTC"


async def test_one_with_another_body_is_422(either: Served) -> None:
    one, several = bodies(either)
    for body in (one, several):
        key = new_key()
        assert (await post(either, key, body)).status == 201
        for other in (one + b" ", several):
            if other != body:
                assert "Idempotency-Key" in problem(await post(either, key, other), 422)["detail"]


async def test_at_the_same_time_one_creates_and_the_others_are_409_or_the_same(
    either: Served,
) -> None:
    for body in bodies(either):
        key, before = new_key(), await count(either)
        answers = await asyncio.gather(*(post(either, key, body) for _ in range(20)))
        created = [answer for answer in answers if answer.status == 201]
        assert {same(answer) for answer in created} == {same(created[0])}
        for answer in answers:
            if answer.status != 201:
                assert "Idempotency-Key" in problem(answer, 409)["detail"]
                assert answer.headers["retry-after"] == "1"
        assert await count(either) == before + (1 if body == either.body else 3)
        assert same(await post(either, key, body)) == same(created[0])


async def test_an_error_is_not_remembered(either: Served) -> None:
    key = new_key()
    problem(await post(either, key, b"{}"), 422)
    problem(await post(either, key, b"["), 400)
    problem(await post(either, key, b"[{}]"), 422)
    assert (await post(either, key)).status == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\tb", "a\x7fb", "a\0b"])
async def test_what_is_no_key_is_400(either: Served, key: str) -> None:
    before = await count(either)
    assert "printable characters of ASCII" in problem(await post(either, key), 400)["detail"]
    assert await count(either) == before


async def test_a_key_that_is_given_twice_is_400(either: Served) -> None:
    headers = [("idempotency-key", "a"), ("idempotency-key", "a")]
    answer = await either.worker.request("POST", either.collection, either.body, headers)
    assert "only once" in problem(answer, 400)["detail"]


async def test_keys_are_compared_as_they_are(either: Served) -> None:
    made = set()
    base = new_key()
    for key in (base, base.upper(), f'"{base}"', f"{base},", f"{base} {base}", LONGEST_KEY, "$ne"):
        first = await post(either, key)
        assert first.status == 201
        assert same(await post(either, key)) == same(first)
        made.add(first.headers["location"])
    assert len(made) == 7


async def test_other_methods_ignore_it(either: Served) -> None:
    path = await either.create()
    for key in ("a", "", "é"):
        headers = [("idempotency-key", key), ("idempotency-key", key)]
        for method, target in (
            ("GET", either.collection),
            ("GET", path),
            ("PUT", path),
            ("PATCH", path),
            ("OPTIONS", path),
        ):
            body = either.body if method.startswith("P") else b""
            answer = await either.worker.request(method, target, body, headers)
            assert answer.status in (200, 204)


async def test_services_that_share_a_database_share_no_key(mongodb: EmbeddedMongoDB) -> None:
    name = f"test-{uuid4()}"
    async with (
        serving("events", mongodb, mongodb_database=name) as events,
        serving("notifications", mongodb, mongodb_database=name) as notifications,
        AsyncMongoClient[Document](mongodb.uri) as client,
    ):
        for served in (events, notifications):
            first = await post(served, "the same")
            assert first.status == 201
            assert same(await post(served, "the same")) == same(first)
        intents = await client[name]["Intents"].find().to_list()
        assert [each["_id"]["owner"] for each in intents] == [None, None]
