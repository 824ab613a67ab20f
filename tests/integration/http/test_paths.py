"""Paths, queries and links: where they lead, and never to another host."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.integration.asgi import HIT
from tests.integration.http.served import Served, problem

ELSEWHERE = [("host", "evil.example"), ("x-forwarded-host", "evil.example")]


@pytest.mark.parametrize("slashes", ["/", "//", "///"])
async def test_no_link_leads_to_another_host(either: Served, slashes: str) -> None:
    path = slashes + either.collection.strip("/")
    for _ in range(2):
        created = await either.worker.request("POST", path, either.body, ELSEWHERE)
        assert created.headers["location"].startswith(f"{either.collection}/")
    for _ in range(2):
        page = await either.worker.request("GET", f"{path}?limit=1", headers=ELSEWHERE)
        assert page.headers["link"].startswith(f"<{either.collection}?limit=1&")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.text("/ex.", max_size=4), st.text("/ex.", max_size=4))
@example("", "//")
@example("/", "/")
async def test_a_path_leads_to_the_same_on_a_hit_as_on_a_miss(
    either: Served, before: str, behind: str
) -> None:
    path = f"/{before}{either.collection.strip('/')}{behind}"
    await either.worker.request("POST", either.collection, either.body)
    missed = await either.worker.request("GET", path)
    await either.worker.request("GET", either.collection)
    again = await either.worker.request("GET", path)
    assert (again.status, again.body) == (missed.status, missed.body)
    assert (again.headers.get("cache-status") == HIT) is (missed.status == 200)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("page=2", '"page" is unknown'),
        ("Limit=1", '"Limit" is unknown'),
        ("limit", "limit must be a number from 1 to 1000"),
        ("limit=", 'limit must be a number from 1 to 1000; it is ""'),
        ("limit=0", "limit must be a number from 1 to 1000"),
        ("limit=+1", '" 1"'),
        ("limit=01x", '"01x"'),
        ("limit=%zz", '"%zz"'),
        ("limit=%", '"%"'),
        ("limit=%ff", '"�"'),
        ("limit=1%00", '"1\\u0000"'),
        ("limit=1;cursor=x", '"1;cursor=x"'),
        ("limit=1&limit=1", "limit must be given only once"),
        ("lim%69t=1&limit=1", "limit must be given only once"),
        ("limit=1&limit=", "limit must be given only once"),
        ("cursor=", "cursor must be one that a Link header"),
        ("cursor=%00", "cursor must be one that a Link header"),
        ("cursor=" + "x" * 60_000, "cursor must be one that a Link header"),
        ("=", '"" is unknown'),
        ("=1", '"" is unknown'),
        ("%6c%00=1", '"l\\u0000" is unknown'),
        ("%ff=1", '"�" is unknown'),
        ("?limit=1", '"?limit" is unknown'),
        ("x" * 60_000, "… (60000 characters) is unknown"),
        ("&".join(f"x{number}" for number in range(9000)), '"x0" is unknown'),
        ("limit=" + "9" * 60_000, "… (60000 characters)"),
    ],
)
async def test_a_parameter_at_fault_is_named_in_a_few_words(
    either: Served, query: str, named: str
) -> None:
    answer = await either.worker.request("GET", f"{either.collection}?{query}")
    detail = problem(answer, 400)["detail"]
    assert named in detail
    assert len(detail) < 250


@pytest.mark.parametrize("query", ["", "&", "&&limit=1&", "l%69mit=1", "limit=%31", "limit=001"])
async def test_a_query_that_is_written_in_another_way_is_taken(either: Served, query: str) -> None:
    answer = await either.worker.request("GET", f"{either.collection}?{query}")
    assert answer.status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_an_item_has_no_parameters(either: Served, method: str) -> None:
    path = await either.create()
    answer = await either.worker.request(method, f"{path}?limit=1", either.body)
    assert "the parameters here are: none" in problem(answer, 400)["detail"]
