from __future__ import annotations

import falcon.testing
import pytest

from microservice_chassis.http.paging import PageQuery
from microservice_chassis.http.problem_handlers import Problem


def query_of(text: str) -> PageQuery:
    return PageQuery.of(falcon.testing.create_asgi_req(query_string=text))


def test_a_link_leads_behind_the_last_resource_with_the_same_limit() -> None:
    link = query_of("limit=7").link_to("/events", "opaque")
    target, _, rest = link.removeprefix("<").partition(">")
    assert rest == '; rel="next"'
    path, _, query = target.partition("?")
    assert path == "/events"
    assert query_of(query) == PageQuery(7, "opaque")


def test_without_a_query_it_is_the_first_hundred() -> None:
    assert query_of("") == PageQuery(100, None)


@pytest.mark.parametrize("text", ["limit=0", "limit=٣", "x=1", "limit"])
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(Problem) as caught:
        query_of(text)
    assert caught.value.status_code == 400
