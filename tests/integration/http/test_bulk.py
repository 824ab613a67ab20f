"""Bulk: a POST of an array creates all that it describes, or nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from tests.integration.asgi import HIT, Answer, cache_status, until_hit
from tests.integration.http.served import Served, problem, serving
from tests.services import KINDS

KIB = 1024


async def post(served: Served, document: Any, **headers: str) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return await served.worker.request("POST", served.collection, body, headers)


def numbered(served: Served, count: int) -> list[dict[str, Any]]:
    text = "title" if "title" in served.example else "subject"
    return [{**served.example, text: f"Number {number:06}"} for number in range(count)]


async def everything(served: Served) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    target = f"{served.collection}?limit=1000"
    while target:
        page = await served.worker.request("GET", target)
        found += json.loads(page.body)
        target = page.headers.get("link", "<>").partition(">")[0].lstrip("<")
    return found


@pytest.mark.parametrize("count", [1, 2, 100, 101, 1000])
async def test_all_are_created_in_the_order_of_the_array(either: Served, count: int) -> None:
    documents = numbered(either, count)
    answer = await post(either, documents)
    assert answer.status == 201
    assert "location" not in answer.headers
    created = json.loads(answer.body)
    for document, resource in zip(documents, created, strict=True):
        assert {name: resource[name] for name in document} == document
    assert len({resource["created_at"] for resource in created}) == 1
    ids = [resource["id"] for resource in created]
    assert ids == sorted(set(ids))
    assert (await everything(either))[-count:] == created
    one = await either.worker.request("GET", f"{either.collection}/{ids[-1]}")
    assert json.loads(one.body) == created[-1]


@pytest.mark.parametrize("name", KINDS)
async def test_a_list_that_was_kept_has_them(mongodb: EmbeddedMongoDB, name: str) -> None:
    async with serving(name, mongodb) as served:
        await until_hit(served.worker, served.collection)
        created = json.loads((await post(served, numbered(served, 2))).body)
        page = await served.worker.request("GET", served.collection)
        assert cache_status(page) != HIT
        assert json.loads(page.body) == created


async def test_of_an_array_with_one_wrong_element_nothing_is_created(either: Served) -> None:
    before = await everything(either)
    documents = numbered(either, 300)
    documents[17]["color"] = "red"
    del documents[299][next(iter(either.example))]
    refused = problem(await post(either, documents), 422)
    assert [error["pointer"] for error in refused["errors"]] == [
        "/17/color",
        f"/299/{next(iter(either.example))}",
    ]
    assert await everything(either) == before


async def test_of_many_errors_the_first_are_listed_and_the_others_counted(either: Served) -> None:
    wrong = {**either.example, **{f"x{number}": 1 for number in range(30)}}
    refused = problem(await post(either, [wrong] * 100), 422)
    pointers = [error["pointer"] for error in refused["errors"]]
    assert pointers == [f"/0/x{number}" for number in range(20)]
    assert refused["detail"].endswith(f"and {100 * 30 - 20} more.")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b"[]", [""]),
        (b" [\n] ", [""]),
        (b"[" + b"1," * 1000 + b"1]", [""]),
        (b"[1, null, []]", ["/0", "/1", "/2"]),
        (b'["$where"]', ["/0"]),
    ],
)
async def test_what_is_no_array_of_1_to_1000_objects_is_422(
    either: Served, body: bytes, pointers: list[str]
) -> None:
    refused = problem(await post(either, body), 422)
    assert [error["pointer"] for error in refused["errors"]] == pointers


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[", "not JSON at line 1, column 2"),
        (b"[{}", "not JSON at line 1, column 4"),
        (b"[{},]", "not JSON at line 1, column 5"),
        (b'[{},\n{"title": 01}]', "not JSON at line 2, column 12"),
        (b'[{}, {"title": "\xff"}]', "not UTF-8 at byte 16"),
        (b'[{}, {"a": "\\ud800"}]', "half of a surrogate pair"),
        (b'[{"a": 1e400}]', "the number 1e400 is out of range"),
        (b"[NaN]", "NaN is not a number"),
        (b"[" * 60_000, "nested too deeply"),
        (b'[{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}]", "nested too deeply"),
    ],
)
async def test_what_is_no_json_is_400_and_says_where(
    either: Served, body: bytes, words: str
) -> None:
    assert words in problem(await post(either, body), 400)["detail"]


async def test_an_array_may_have_2_mib_and_no_more(either: Served) -> None:
    body = json.dumps(numbered(either, 3)).encode()
    at_limit = body + b" " * (2 * KIB * KIB - len(body))
    assert (await post(either, at_limit)).status == 201
    assert f"{2 * KIB * KIB} bytes" in problem(await post(either, at_limit + b" "), 413)["detail"]


async def test_an_object_may_have_64_kib_alone_and_in_an_array(either: Served) -> None:
    inside = json.dumps(either.example).encode()
    at_limit = inside[:-1] + b" " * (64 * KIB - len(inside)) + b"}"
    for body in (at_limit, b"[%s]" % at_limit, b"[%s,%s]" % (at_limit, inside)):
        assert (await post(either, body)).status == 201
    over = at_limit[:-1] + b" }"
    for body in (over, b"[%s]" % over, b"[%s,%s]" % (inside, over)):
        assert f"{64 * KIB} bytes" in problem(await post(either, body), 413)["detail"]


async def test_a_put_or_patch_takes_no_array(either: Served) -> None:
    path = await either.create()
    for method in ("PUT", "PATCH"):
        for body in (b"[]", json.dumps([either.example]).encode()):
            answer = await either.worker.request(method, path, body)
            assert "must be a JSON object" in problem(answer, 400)["detail"]
        over = b" " * (64 * KIB + 1)
        problem(await either.worker.request(method, path, over), 413)


async def test_while_many_are_checked_and_written_others_are_answered(either: Served) -> None:
    """The event loop is for others, too: between any two slices one of them gets on."""
    path = await either.create()
    bulk = asyncio.ensure_future(post(either, numbered(either, 1000)))
    answered = 0
    while not bulk.done():
        assert (await either.worker.request("GET", path)).status == 200
        answered += 1
        await asyncio.sleep(0)
    assert (await bulk).status == 201
    # 1,000 elements are tens of milliseconds of checking, in slices of half of one.
    assert answered >= 20
