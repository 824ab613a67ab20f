"""Filters and sorts over HTTP: what is refused, what is linked to, and what the cache keeps."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from tests.integration.asgi import BYPASS, HIT, cache_status
from tests.integration.http.served import Served, problem, searchable, serving


@pytest.fixture(scope="module")
async def events(mongodb: EmbeddedMongoDB) -> AsyncIterator[Served]:
    async with serving("events", mongodb) as served:
        await searchable(served)
        yield served


@pytest.fixture(scope="module")
async def notifications(mongodb: EmbeddedMongoDB) -> AsyncIterator[Served]:
    async with serving("notifications", mongodb) as served:
        await searchable(served)
        yield served


async def create(served: Served, **members: Any) -> str:
    body = json.dumps({**served.example, **members}).encode()
    answer = await served.worker.request("POST", served.collection, body)
    return str(json.loads(answer.body)["id"])


async def ids(served: Served, query: str) -> list[str]:
    answer = await served.worker.request("GET", f"{served.collection}?{query}")
    assert answer.status == 200, answer.body
    return [each["id"] for each in json.loads(answer.body)]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("sort=date", "sort must be id, starts_at, title or updated_at"),
        ("sort=-distance&near=1,1", "sort must be"),
        ("sort=distance", "distance needs the parameter near"),
        ("radius=1", "radius needs the parameter near"),
        ("near=1", "near must be latitude,longitude"),
        ("near=91,0", "near must be latitude,longitude"),
        ("near=1_0,1", "near must be latitude,longitude"),
        ("near=1, 1", "near must be latitude,longitude"),
        ("near=+1,1", "near must be latitude,longitude"),
        ("near=1,1&radius=1_0", "radius must be a number of kilometres, up to 1000"),
        ("sort=null", "sort must be id, starts_at, title or updated_at"),
        ("near=nan,0", "near must be latitude,longitude"),
        ("near=a,b", "near must be latitude,longitude"),
        ("near=1,1&radius=0", "radius must be a number of kilometres, up to 1000"),
        ("near=1,1&radius=1001", "radius must be a number of kilometres, up to 1000"),
        ("near=1,1&radius=inf", "radius must be a number of kilometres, up to 1000"),
        ("topic=a,b", "topic must be one of the event's topics"),
        ("topic=", "topic must be one of the event's topics"),
        ("q=!", "no letter and no digit"),
        ("q=a+b+c+d+e+f+g+h+i+j+k", "it has 11 different words"),
        ("from=tomorrow", "from must be a date"),
        ("from=2027-05-01T10:00:00+02:00", "written %2B in a query"),
        ("from=2027-05-02&to=2027-05-01", "from must not be later than the parameter to"),
        ("updated_since=now", "updated_since must be a date and time"),
        ("count=maybe", "count must be true or false"),
        ("topic[$ne]=x", '"topic[$ne]" is unknown; the parameters here are: count, cursor, from,'),
        ("status=sent", '"status" is unknown'),
        ("topic=a&topic=b", "topic must be given only once"),
    ],
)
async def test_a_parameter_at_fault_is_named_with_what_would_be_right(
    events: Served, query: str, named: str
) -> None:
    answer = await events.worker.request("GET", f"/events?{query}")
    assert named in problem(answer, 400)["detail"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        (
            "status=null",
            'status must be one of pending, sending, sent, failed, missed; it is "null"',
        ),
        ("status=lost", "status must be one of pending, sending, sent, failed, missed"),
        ("to_mail=nobody", "to_mail must be an e-mail address"),
        ("sort=starts_at", "sort must be id, scheduled_time or updated_at"),
        ("topic=jazz", '"topic" is unknown'),
    ],
)
async def test_notifications_have_parameters_of_their_own(
    notifications: Served, query: str, named: str
) -> None:
    answer = await notifications.worker.request("GET", f"/notifications?{query}")
    assert named in problem(answer, 400)["detail"]


async def test_no_value_is_an_operator(events: Served) -> None:
    await create(events)
    for value in ("$ne", '{"$gt":""}', "$where", "t:jazz", "[jazz]"):
        for name in ("topic", "organizer"):
            assert await ids(events, f"{name}={quote(value)}") == []


async def test_links_lead_through_a_selection_and_its_total_is_told(events: Served) -> None:
    made = [await create(events, topics=f"walk, {number}") for number in range(5)]
    target = "/events?topic=WALK&limit=2&count=true&sort=-id"
    found: list[str] = []
    while target:
        answer = await events.worker.request("GET", target)
        assert answer.headers["total-count"] == "5"
        assert answer.headers["total-count-precision"] == "exact"
        found += [each["id"] for each in json.loads(answer.body)]
        link = answer.headers.get("link", "")
        target = link.removeprefix("<").partition(">")[0]
    assert found == made[::-1]


async def test_the_total_of_the_whole_collection_is_an_estimate(events: Served) -> None:
    answer = await events.worker.request("GET", "/events?count=true")
    assert answer.headers["total-count-precision"] == "estimate"
    assert int(answer.headers["total-count"]) > 0


async def test_a_cursor_is_of_one_selection_only(events: Served) -> None:
    for _ in range(2):
        await create(events, organizer="Cursor")
    answer = await events.worker.request("GET", "/events?organizer=cursor&limit=1")
    cursor = answer.headers["link"].partition("cursor=")[2].partition(">")[0]
    assert len(await ids(events, f"organizer=CURSOR&limit=5&cursor={cursor}")) == 1
    for other in ("", "organizer=cursor&sort=-id", "organizer=other", "organizer=cursor&q=jazz"):
        answer = await events.worker.request("GET", f"/events?{other}&cursor={cursor}")
        detail = problem(answer, 400)["detail"]
        assert "one that a Link header gave, with the same filters and sort" in detail


async def test_a_selection_is_kept_until_something_is_written(events: Served) -> None:
    made = [await create(events, topics="kept")]
    target = "/events?topic=kept&limit=1"
    first = await events.worker.request("GET", target)
    again = await events.worker.request("GET", target)
    assert cache_status(again) == HIT
    assert (again.body, again.headers["etag"]) == (first.body, first.headers["etag"])
    condition = {"if-none-match": first.headers["etag"]}
    assert (await events.worker.request("GET", target, headers=condition)).status == 304
    made.append(await create(events, topics="kept"))
    third = await events.worker.request("GET", target, headers=condition)
    # The page has the same resources, and another is behind it now.
    assert (third.status, third.body) == (200, first.body)
    assert "link" in third.headers


async def test_what_depends_on_the_time_is_not_kept(events: Served) -> None:
    for _ in range(2):
        await create(events, date="9000-01-01")
    for end in ("from=now", "to=today", "from=today&to=9999-01-01"):
        for _ in range(2):
            answer = await events.worker.request("GET", f"/events?{end}&limit=1")
            assert cache_status(answer) == BYPASS
            assert answer.headers["cache-control"] == "no-store"
            condition = {"if-none-match": answer.headers["etag"]}
            same = await events.worker.request("GET", f"/events?{end}&limit=1", headers=condition)
            assert same.status == 304


async def test_a_cursor_pins_the_time(events: Served) -> None:
    for _ in range(2):
        await create(events, date="9000-01-02", organizer="Pinned")
    answer = await events.worker.request("GET", "/events?organizer=pinned&from=now&limit=1")
    target = answer.headers["link"].removeprefix("<").partition(">")[0]
    assert "from=now" in target
    assert len(json.loads((await events.worker.request("GET", target)).body)) == 1


async def test_notifications_are_found_by_state_address_and_time(notifications: Served) -> None:
    first = await create(notifications, to_mail="Ana@Example.com")
    second = await create(notifications, scheduled_time="2027-05-02T00:00:00Z")
    third = await create(notifications, scheduled_time="2027-05-02T23:59:59.999Z")
    assert await ids(notifications, "to_mail=ana@example.COM") == [first]
    assert await ids(notifications, "from=2027-05-02&to=2027-05-02") == [second, third]
    assert await ids(notifications, "from=2027-05-02T00:00:00.001Z") == [third]
    assert await ids(notifications, "status=pending&sort=-scheduled_time") == [third, second, first]
    assert await ids(notifications, "status=sent") == []
    assert await ids(notifications, "updated_since=2020-01-01T00:00Z&sort=-updated_at&limit=1") == [
        third
    ]
