"""Calendars over HTTP: the feed and the single event, by path and by Accept."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from bson import ObjectId
from pymongo.asynchronous.collection import AsyncCollection

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import Document, connect
from tests.calendars import events, lines, read, starts_at
from tests.examples import EVENT
from tests.integration.asgi import HIT, STORED, Answer, cache_status
from tests.integration.http.served import Served, problem, searchable, serving

CALENDAR = {"accept": "text/calendar"}
UNKNOWN = f"/events/{'f' * 24}"


@pytest.fixture
def name() -> str:
    return f"test-{uuid4()}"


@pytest.fixture
async def served(mongodb: EmbeddedMongoDB, name: str) -> AsyncIterator[Served]:
    """An events service without events."""
    async with serving("events", mongodb, mongodb_database=name) as served:
        await searchable(served)
        yield served


@pytest.fixture
async def collection(
    mongodb: EmbeddedMongoDB, name: str
) -> AsyncIterator[AsyncCollection[Document]]:
    """Its collection, for what bypasses the service."""
    async with connect(mongodb.uri) as client:
        yield client[name]["Events"]


async def get(served: Served, path: str, **headers: str) -> Answer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await served.worker.request("GET", path, headers=fields)


async def create(served: Served, **members: Any) -> str:
    body = json.dumps({**EVENT, **members}).encode()
    return (await served.worker.request("POST", "/events", body)).headers["location"]


async def titles(served: Served) -> list[str]:
    feed = await get(served, "/events.ics")
    return [event.summary.value for event in events(feed.body)]


async def test_an_event_is_a_calendar_by_path_and_by_accept(served: Served) -> None:
    path = await create(served)
    resource = json.loads((await get(served, path)).body)
    by_path, by_accept = await get(served, f"{path}.ics"), await get(served, path, **CALENDAR)
    assert by_path.body == by_accept.body
    for answer in (by_path, by_accept):
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    (event,) = events(by_path.body)
    assert starts_at(event) == datetime.fromisoformat(resource["starts_at"])
    assert event.summary.value == resource["title"]
    assert event.uid.value.startswith(f"{resource['id']}@")


async def test_the_feed_is_all_events_to_come_by_path_and_by_accept(served: Served) -> None:
    await create(served, title="To come")
    await create(served, title="Long ago", date="2020-05-01")
    by_path, by_accept = await get(served, "/events.ics"), await get(served, "/events", **CALENDAR)
    assert by_path.body == by_accept.body
    assert [event.summary.value for event in events(by_path.body)] == ["To come"]
    calendar = read(by_path.body)
    assert calendar.prodid.value
    assert calendar.version.value == "2.0"
    said = lines(by_path.body)
    assert "X-WR-CALNAME:EventPost" in said
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H" in said
    assert "X-PUBLISHED-TTL:PT1H" in said
    assert not [line for line in said if line.startswith("METHOD")]


async def test_an_event_that_is_on_today_is_in_the_feed_until_the_day_is_over(
    served: Served,
) -> None:
    today = datetime.now(UTC).date()
    for number, title in enumerate(("Yesterday", "Today", "Tomorrow"), -1):
        date = (today + timedelta(days=number)).isoformat()
        await create(served, title=title, date=date, time="00:00", timezone="UTC", duration=None)
    found = await titles(served)
    assert found in (["Today", "Tomorrow"], ["Tomorrow"])
    assert "Today" in found or datetime.now(UTC).date() > today


async def test_a_change_raises_the_sequence_and_a_deleted_event_leaves_the_feed(
    served: Served,
) -> None:
    path, other = await create(served), await create(served, title="Another one")

    async def sequence() -> tuple[str, int]:
        (event,) = events((await get(served, f"{path}.ics")).body)
        return event.uid.value, int(event.sequence.value)

    uid, before = await sequence()
    await served.worker.request("PATCH", path, b'{"title": "Changed"}')
    assert await sequence() == (uid, before + 1)
    assert await titles(served) == ["Changed", "Another one"]
    await served.worker.request("DELETE", path)
    assert await titles(served) == ["Another one"]
    await served.worker.request("DELETE", other)
    assert await titles(served) == []


async def test_an_event_of_an_earlier_version_raises_its_sequence_too(
    served: Served, collection: AsyncCollection[Document]
) -> None:
    legacy = {name: EVENT[name] for name in ("title", "description", "date", "time")}
    identifier = (await collection.insert_one({**legacy})).inserted_id
    sequences = []
    for _ in range(2):
        (event,) = events((await get(served, f"/events/{identifier}.ics")).body)
        sequences.append(int(event.sequence.value))
        await served.worker.request("PATCH", f"/events/{identifier}", b'{"title": "Changed"}')
    assert sequences[0] < sequences[1]


async def test_each_representation_has_an_entity_tag_of_its_own(served: Served) -> None:
    path = await create(served)
    for target in (path, "/events"):
        json_, calendar = await get(served, target), await get(served, target, **CALENDAR)
        assert calendar.headers["etag"] not in (json_.headers["etag"], None)
        assert not calendar.headers["etag"].startswith("W/")
        for accept, tag, expected in (
            ("text/calendar", calendar.headers["etag"], 304),
            ("text/calendar", json_.headers["etag"], 200),
            ("application/json", json_.headers["etag"], 304),
            ("application/json", calendar.headers["etag"], 200),
        ):
            answer = await get(served, target, accept=accept, if_none_match=tag)
            assert (answer.status, answer.body == b"") == (expected, expected == 304)
            assert answer.headers["vary"] == "Accept"
            assert answer.headers["cache-control"] == "no-cache"
            assert ("content-type" in answer.headers) is (expected == 200)


async def test_a_feed_that_has_not_changed_is_answered_with_304(served: Served) -> None:
    path = await create(served)
    tag = (await get(served, "/events.ics")).headers["etag"]
    unchanged = await get(served, "/events.ics", if_none_match=tag)
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert unchanged.headers["etag"] == tag
    await served.worker.request("PATCH", path, b'{"title": "Changed"}')
    assert (await get(served, "/events.ics", if_none_match=tag)).status == 200


async def test_a_write_takes_the_tag_of_the_json_alone(served: Served) -> None:
    path = await create(served)
    tag = (await get(served, f"{path}.ics")).headers["etag"]
    refused = await served.worker.request("PATCH", path, b"{}", {"if-match": tag})
    problem(refused, 412)
    tag = (await get(served, path)).headers["etag"]
    assert (await served.worker.request("PATCH", path, b"{}", {"if-match": tag})).status == 200


async def test_a_single_event_is_kept_until_it_changes_and_a_feed_is_not(served: Served) -> None:
    path = await create(served)
    kept = [await get(served, f"{path}.ics") for _ in range(2)]
    assert [cache_status(answer) for answer in kept] == [STORED, HIT]
    assert kept[0].body == kept[1].body
    await served.worker.request("PATCH", path, b'{"title": "Changed"}')
    (event,) = events((await get(served, f"{path}.ics")).body)
    assert event.summary.value == "Changed"
    for target, headers in (("/events.ics", {}), ("/events", CALENDAR), (path, CALENDAR)):
        for _ in range(2):
            assert "cache-status" not in (await get(served, target, **headers)).headers


async def test_what_is_kept_is_never_another_representation(served: Served) -> None:
    path = await create(served)
    for _ in range(2):
        for target, headers, media_type in (
            (path, {}, "application/json"),
            (path, CALENDAR, "text/calendar; charset=utf-8"),
            (f"{path}.ics", {}, "text/calendar; charset=utf-8"),
            (path, {"accept": "text/calendar;q=0.5, */*;q=0.9"}, "application/json"),
        ):
            answer = await get(served, target, **headers)
            assert answer.headers["content-type"] == media_type
            assert ("vary" in answer.headers) is (target == path)


@pytest.mark.parametrize(
    ("path", "accept", "listed"),
    [
        ("/events", "image/png", ["application/json", "application/x-ndjson", "text/calendar"]),
        ("/events.ics", "application/json", ["text/calendar"]),
        ("{event}", "application/x-ndjson", ["application/json", "text/calendar"]),
        ("{event}.ics", "application/json", ["text/calendar"]),
    ],
)
async def test_a_refusal_lists_what_the_path_has(
    served: Served, path: str, accept: str, listed: list[str]
) -> None:
    event = await create(served)
    answer = await get(served, path.format(event=event), accept=accept)
    assert re.findall(r"[a-z]+/[a-z-]+", problem(answer, 406)["detail"]) == listed


@pytest.mark.parametrize("path", [UNKNOWN, "/events/x"])
async def test_what_does_not_exist_is_404_whatever_is_accepted(served: Served, path: str) -> None:
    for target, accept in ((f"{path}.ics", "*/*"), (f"{path}.ics", "image/png"), (path, "text/*")):
        problem(await get(served, target, accept=accept), 404)


@pytest.mark.parametrize("path", ["/events.ics", f"{UNKNOWN}.ics"])
async def test_a_calendar_is_for_reading(served: Served, path: str) -> None:
    options = await served.worker.request("OPTIONS", path)
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    for method in ("POST", "PUT", "PATCH", "DELETE", "PURGE"):
        answer = await served.worker.request(method, path, b"{}")
        problem(answer, 405)
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_head_is_get_without_content(served: Served) -> None:
    path = await create(served)
    for target, headers in (("/events.ics", {}), (f"{path}.ics", {}), (path, CALENDAR)):
        get_ = await get(served, target, **headers)
        head = await served.worker.request("HEAD", target, headers=headers)
        assert (head.status, head.body) == (200, b"")
        for name in ("content-length", "content-type", "etag"):
            assert head.headers[name] == get_.headers[name]


@pytest.mark.parametrize("path", ["/events.ics", "{event}.ics"])
async def test_a_parameter_that_a_calendar_does_not_have_is_named(
    served: Served, path: str
) -> None:
    event = await create(served)
    answer = await get(served, f"{path.format(event=event)}?limit=1")
    assert '"limit" is unknown' in problem(answer, 400)["detail"]


async def test_what_cannot_be_read_is_left_out_and_is_500_alone(
    served: Served, collection: AsyncCollection[Document]
) -> None:
    path = await create(served)
    await create(served, title="Readable")
    await collection.update_one({"title": EVENT["title"]}, {"$set": {"description": 7}})
    assert await titles(served) == ["Readable"]
    for target, headers in ((f"{path}.ics", {}), (path, CALENDAR)):
        assert problem(await get(served, target, **headers), 500)["type"].endswith("unreadable")


async def test_a_feed_has_a_thousand_events_at_most_and_lets_others_run(
    served: Served, collection: AsyncCollection[Document]
) -> None:
    await create(served)
    document = await collection.find_one({})
    assert document is not None
    await collection.insert_many({**document, "_id": ObjectId()} for _ in range(1200))
    turns = 0

    async def go_on() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(go_on())
    feed = await get(served, "/events.ics")
    counting.cancel()
    assert lines(feed.body).count("BEGIN:VEVENT") == 1000
    assert turns > 300  # a slice is two or three events


async def test_a_feed_has_what_the_filters_select(served: Served) -> None:
    for title, topics, date in (
        ("Jazz to come", "jazz", "9000-01-02"),
        ("Jazz that was", "jazz", "2019-01-01"),
        ("Chess to come", "chess", "9000-01-01"),
    ):
        await create(served, title=title, topics=topics, date=date)
    for query, found in (
        ("", ["Chess to come", "Jazz to come"]),
        ("?topic=JAZZ", ["Jazz to come"]),
        ("?topic=jazz&from=2000-01-01", ["Jazz that was", "Jazz to come"]),
        ("?sort=-title", ["Jazz to come", "Chess to come"]),
    ):
        feed = await get(served, f"/events.ics{query}")
        assert [event.summary.value for event in events(feed.body)] == found
    assert "limit" in problem(await get(served, "/events.ics?limit=1"), 400)["detail"]
