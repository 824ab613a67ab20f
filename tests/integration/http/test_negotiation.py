"""Which methods a path has, what a client accepts, and what counts first."""

from __future__ import annotations

from uuid import uuid4

import pytest

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import connect
from tests.integration.asgi import HIT, STORED, cache_status
from tests.integration.http.served import Served, problem, serving

UNKNOWN_ID = "f" * 24

ALLOWED = {
    "": "GET, HEAD, OPTIONS, POST",
    f"/{UNKNOWN_ID}": "DELETE, GET, HEAD, OPTIONS, PATCH, PUT",
    "/health/live": "GET, HEAD, OPTIONS",
    "/health/ready": "GET, HEAD, OPTIONS",
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "QUERY"]
# Falcon knows none of these.
METHODS += ["PURGE", "M-SEARCH", "BREW", "get", "on_get"]


def path_in(either: Served, path: str) -> str:
    return path if path.startswith("/health") else either.collection + path


@pytest.mark.parametrize("path", ALLOWED)
async def test_options_lists_the_methods_of_every_path(either: Served, path: str) -> None:
    for accept in ("application/json", "text/html"):
        answer = await either.worker.request(
            "OPTIONS", path_in(either, path), headers={"accept": accept}
        )
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers["allow"] == ALLOWED[path]
        assert "content-type" not in answer.headers


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ALLOWED)
async def test_any_other_method_is_405_whatever_is_accepted(
    either: Served, path: str, method: str
) -> None:
    for accept in ("application/json", "text/html"):
        answer = await either.worker.request(
            method, path_in(either, path), headers={"accept": accept}
        )
        if method in ALLOWED[path].split(", "):
            assert answer.status != 405
        else:
            problem(answer, 405)
            assert answer.headers["allow"] == ALLOWED[path]


@pytest.mark.parametrize("path", ["", "?limit=1", "/health/live", "/health/ready"])
async def test_head_is_get_without_content(either: Served, path: str) -> None:
    target = path_in(either, path)
    get = await either.worker.request("GET", target)
    head = await either.worker.request("HEAD", target)
    assert (head.status, head.body) == (200, b"")
    for name in ("content-length", "content-type", "etag", "link"):
        assert head.headers.get(name) == get.headers.get(name)


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/nothing", "*/*", 404),
        ("/x", "*/*", 404),
        (f"/{UNKNOWN_ID}", "*/*", 404),
        ("?limit=0", "*/*", 400),
        ("", "text/html", 406),
    ],
)
async def test_a_refusal_of_head_is_that_of_get_without_content(
    either: Served, path: str, accept: str, status: int
) -> None:
    target = path if path == "/nothing" else either.collection + path
    headers = {"accept": accept}
    get = await either.worker.request("GET", target, headers=headers)
    head = await either.worker.request("HEAD", target, headers=headers)
    problem(get, status)
    assert (head.status, head.body) == (status, b"")
    for name in ("content-length", "content-type"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "", ";"])
@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_health_is_answered_whatever_is_accepted(
    either: Served, path: str, accept: str
) -> None:
    for method in ("GET", "HEAD"):
        answer = await either.worker.request(method, path, headers={"accept": accept})
        assert answer.status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/nothing", "/x", f"/{UNKNOWN_ID}"])
async def test_what_does_not_exist_is_404_whatever_is_accepted(
    either: Served, path: str, method: str
) -> None:
    target = path if path == "/nothing" else either.collection + path
    answer = await either.worker.request(method, target, either.body, {"accept": "text/html"})
    assert answer.status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
async def test_what_exists_is_406_for_who_does_not_accept_it_and_stays_as_it_is(
    either: Served, method: str
) -> None:
    path = await either.create()
    before = await either.worker.request("GET", path)
    for body in (either.body, b"", b"not JSON"):
        answer = await either.worker.request(method, path, body, {"accept": "text/html"})
        assert answer.status == 406
        if method != "HEAD":
            assert "application/json" in problem(answer, 406)["detail"]
    assert (await either.worker.request("GET", path)).body == before.body


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_what_cannot_be_read_exists_nevertheless(
    mongodb: EmbeddedMongoDB, method: str
) -> None:
    name = f"test-{uuid4()}"
    async with (
        serving("events", mongodb, mongodb_database=name) as served,
        connect(mongodb.uri) as client,
    ):
        path = await served.create()
        await client[name]["Events"].update_one({}, {"$set": {"title": 7}})
        answer = await served.worker.request(method, path, served.body, {"accept": "text/html"})
        problem(answer, 406)
        assert await client[name]["Events"].count_documents({"title": 7}) == 1


async def test_nothing_is_created_for_who_does_not_accept_it(either: Served) -> None:
    before = await either.worker.request("GET", f"{either.collection}?limit=1000")
    refused = await either.worker.request(
        "POST", either.collection, either.body, {"accept": "text/html"}
    )
    problem(refused, 406)
    after = await either.worker.request("GET", f"{either.collection}?limit=1000")
    assert after.body == before.body


LINES = [
    (["text/html", "application/json"], 200),
    (["text/html", "*/*;q=0.1"], 200),
    (["application/json;q=0, application/x-ndjson;q=0", "text/calendar;q=0, */*"], 406),
    (['text/html;a="x, application/json"'], 406),
    (['text/html;a="x', 'application/json"'], 406),
    (['text/html;a="x, y"', "application/json"], 200),
]


@pytest.mark.parametrize(("lines", "status"), LINES)
async def test_accept_over_several_lines_means_what_its_joined_value_means(
    either: Served, lines: list[str], status: int
) -> None:
    """On misses and on hits alike."""
    for path in (either.collection, await either.create()):
        for headers in ([("accept", line) for line in lines], [("accept", ", ".join(lines))]):
            await either.create()  # so that the collection is a miss
            answers = [await either.worker.request("GET", path, headers=headers) for _ in range(2)]
            assert [answer.status for answer in answers] == [status] * 2
            if status == 200:
                assert cache_status(answers[1]) == HIT


TAGS = [
    (['"x"', "{tag}"], 304),
    (['"x", "y"', 'W/{tag}, "z"'], 304),
    (['"x,y"', "{tag}"], 304),
    (['"x\\"', "{tag}"], 304),
    (['"x,{tag}'], 200),
    (['"x', "{tag}"], 200),
    (["*"], 304),
    (['"x"', "*"], 200),
    (["", "{tag}"], 304),
]


@pytest.mark.parametrize(("lines", "status"), TAGS)
async def test_if_none_match_over_several_lines_means_what_its_joined_value_means(
    either: Served, lines: list[str], status: int
) -> None:
    path = await either.create()
    tag = (await either.worker.request("PATCH", path, b"{}")).headers["etag"]
    given = [line.replace("{tag}", tag) for line in lines]
    headers = [("if-none-match", line) for line in given]
    joined = [("if-none-match", ", ".join(given))]
    answers = [
        await either.worker.request("GET", path, headers=each)
        for each in (headers, headers, joined)
    ]
    assert [answer.status for answer in answers] == [status] * 3
    assert [cache_status(answer) for answer in answers] == [STORED, HIT, HIT]
