"""Lists of either service, over HTTP: their pages, and queries that mean nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin

import pytest

from tests.e2e.calls import call, create, problem
from tests.services import Service


def test_a_list_pages_through_everything_in_the_order_of_creation(either: Service) -> None:
    created = [create(either)["id"] for _ in range(7)]
    found: list[str] = []
    url = f"{either.collection}?limit=3"
    while url:
        answer = call("GET", url)
        assert answer.status_code == 200
        assert len(answer.json()) <= 3
        found.extend(resource["id"] for resource in answer.json())
        link = answer.links.get("next")
        url = urljoin(url, link["url"]) if link else ""
    assert found[-7:] == created
    assert len(found) == len(set(found))


def test_a_page_has_a_hundred_resources_unless_asked(either: Service) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: create(either), range(101)))
    assert len(call("GET", either.collection).json()) == 100
    assert "next" in call("GET", either.collection).links
    assert len(call("GET", f"{either.collection}?limit=1000").json()) > 100


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-1", "limit=1.5", "limit=", "limit=x", "limit=%D9%A3"]
    + ["limit=1&limit=1", "limit=1,2", "cursor=", "cursor=x", "cursor=%00", "cursor=AAAA"]
    + ["page=2", "Limit=1", "=", "limit=99999999999999999999999"],
)
def test_a_query_that_means_nothing_is_refused(either: Service, query: str) -> None:
    problem(call("GET", f"{either.collection}?{query}"), 400)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_an_item_takes_no_query(either: Service, method: str) -> None:
    url = f"{either.collection}/{create(either)['id']}"
    assert "limit" in problem(call(method, f"{url}?limit=1"), 400)["detail"]
    assert call("GET", url).status_code == 200
