"""Which representations a path has, and that each of them is its own."""

from __future__ import annotations

import pytest

from tests.integration.asgi import HIT, cache_status
from tests.integration.http.served import Served, problem

NDJSON = "application/x-ndjson"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        (f"{NDJSON};q=0.9, */*;q=0.8", NDJSON),
        (f"{NDJSON}, application/json", "application/json"),
        ("application/json;q=0.1, application/*;q=0.2", NDJSON),
    ],
)
async def test_a_collection_answers_what_is_preferred_on_hits_too(
    either: Served, accept: str | None, expected: str
) -> None:
    await either.create()
    headers = {"accept": accept} if accept else {}
    for _ in range(2):
        await either.worker.request("GET", either.collection)  # so that JSON is kept
        answer = await either.worker.request("GET", either.collection, headers=headers)
        assert answer.status == 200
        assert answer.headers["content-type"] == expected
        assert (answer.headers.get("cache-status") == HIT) is (expected == "application/json")


async def test_the_answers_of_a_path_with_several_say_what_they_depend_on(either: Served) -> None:
    await either.create()
    for _ in range(2):  # a miss, and a hit
        answer = await either.worker.request("GET", either.collection)
        assert answer.headers["vary"] == "Accept"
        condition = {"if-none-match": answer.headers["etag"]}
        unchanged = await either.worker.request("GET", either.collection, headers=condition)
        assert (unchanged.status, unchanged.headers["vary"]) == (304, "Accept")
        assert cache_status(unchanged) == HIT
    for accept in (NDJSON, "image/png"):
        other = await either.worker.request("GET", either.collection, headers={"accept": accept})
        assert other.headers["vary"] == "Accept"


async def test_a_refusal_lists_what_there_is(either: Served) -> None:
    refused = await either.worker.request("GET", either.collection, headers={"accept": "image/png"})
    detail = problem(refused, 406)["detail"]
    assert "application/json" in detail
    assert NDJSON in detail


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_answers_json_alone(either: Served, method: str) -> None:
    path = either.collection if method == "POST" else await either.create()
    answer = await either.worker.request(method, path, either.body, {"accept": NDJSON})
    assert problem(answer, 406)["detail"] == "The answer is application/json; Accept must allow it."


async def test_a_read_that_is_conditional_for_one_client_is_kept_for_all(either: Served) -> None:
    """The application is asked for the whole, whatever the client has."""
    path = await either.create()
    tag = (await either.worker.request("PATCH", path, b"{}")).headers["etag"]
    unchanged = await either.worker.request("GET", path, headers={"if-none-match": tag})
    assert unchanged.status == 304
    answer = await either.worker.request("GET", path)
    assert (answer.status, cache_status(answer)) == (200, HIT)
    assert answer.body
