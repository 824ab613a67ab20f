"""The response cache within one worker, on a real MongoDB."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from pymongo.asynchronous.database import AsyncDatabase

from events_microservice.app import create_app
from events_microservice.settings import Settings
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.storage.client import Document, connect
from tests.examples import EVENT
from tests.integration.asgi import BYPASS, HIT, STORED, AsgiClient, cache_status, until_hit, working
from tests.redis_server import RedisServer

BODY = json.dumps(EVENT).encode()


@pytest.fixture
def name() -> str:
    return f"test-{uuid4()}"


@pytest.fixture
async def database(mongodb: EmbeddedMongoDB, name: str) -> AsyncIterator[AsyncDatabase[Document]]:
    """The service's database, for what bypasses the service."""
    async with connect(mongodb.uri) as client:
        yield client[name]


@pytest.fixture(params=["simple", "redis"])
def settings(request: pytest.FixtureRequest, name: str) -> Settings:
    """Those of a worker whose siblings share its stamps."""
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        return Settings(mongodb_database=name, cache_type="redis", cache_redis_url=server.url)
    return Settings(mongodb_database=name)


@pytest.fixture
async def worker(settings: Settings, mongodb: EmbeddedMongoDB) -> AsyncIterator[AsgiClient]:
    """A worker whose cache is on."""
    async with working(settings, mongodb) as worker:
        await until_hit(worker, "/events")
        yield worker


async def create(worker: AsgiClient) -> str:
    return f"/events/{json.loads((await worker.request('POST', '/events', BODY)).body)['id']}"


async def test_the_second_answer_comes_from_the_cache_and_is_the_same(worker: AsgiClient) -> None:
    for path in (await create(worker), "/events", "/events?limit=1"):
        first, second = [await worker.request("GET", path) for _ in range(2)]
        assert (cache_status(first), cache_status(second)) == (STORED, HIT)
        assert first.status == second.status == 200
        assert first.body == second.body
        same = {"cache-control", "content-length", "content-type", "etag"}
        assert {each: first.headers[each] for each in same} == {
            each: second.headers[each] for each in same
        }
        assert second.headers["cache-control"] == "no-cache"


async def test_links_are_kept(worker: AsgiClient) -> None:
    for _ in range(2):
        await create(worker)
    first, second = [await worker.request("GET", "/events?limit=1") for _ in range(2)]
    assert cache_status(second) == HIT
    assert first.headers["link"] == second.headers["link"]


async def test_head_and_get_share_what_is_kept(worker: AsgiClient) -> None:
    path = await create(worker)
    get = await worker.request("GET", path)
    head = await worker.request("HEAD", path)
    assert (cache_status(head), head.body) == (HIT, b"")
    assert head.headers["content-length"] == str(len(get.body))


async def test_a_tag_that_is_still_true_is_answered_with_304(worker: AsgiClient) -> None:
    for path in (await create(worker), "/events"):
        tag = (await worker.request("GET", path)).headers["etag"]
        await worker.request("PATCH", await create(worker), b"{}")
        condition = {"if-none-match": tag}
        answers = [await worker.request("GET", path, headers=condition) for _ in range(2)]
        if path == "/events":
            assert [answer.status for answer in answers] == [200, 200]
            condition = {"if-none-match": answers[0].headers["etag"]}
            answers = [await worker.request("GET", path, headers=condition) for _ in range(2)]
        for answer in answers:
            assert (answer.status, answer.body) == (304, b"")
            assert answer.headers["etag"] == condition["if-none-match"]
        assert cache_status(answers[1]) == HIT


async def test_a_304_is_answered_without_the_cache_too(mongodb: EmbeddedMongoDB, name: str) -> None:
    settings = Settings(mongodb_database=name, cache_type="null")
    async with working(settings, mongodb) as worker:
        for path in (await create(worker), "/events"):
            first = await worker.request("GET", path)
            assert cache_status(first) == BYPASS
            condition = {"if-none-match": first.headers["etag"]}
            assert (await worker.request("GET", path, headers=condition)).status == 304


async def test_every_write_is_seen_at_once(worker: AsgiClient) -> None:
    path = await create(worker)

    async def titles() -> tuple[object, list[object]]:
        """What an item and the list say, both twice: filled and hit."""
        for _ in range(2):
            item = await worker.request("GET", path)
            page = await worker.request("GET", "/events")
        return json.loads(item.body).get("title"), [each["title"] for each in json.loads(page.body)]

    assert await titles() == ("Jazz night", ["Jazz night"])
    await worker.request("PATCH", path, b'{"title": "Patched"}')
    assert await titles() == ("Patched", ["Patched"])
    await worker.request("PUT", path, json.dumps({**EVENT, "title": "Replaced"}).encode())
    assert await titles() == ("Replaced", ["Replaced"])
    await create(worker)
    assert await titles() == ("Replaced", ["Replaced", "Jazz night"])
    await worker.request("DELETE", path)
    assert await titles() == ("Not Found", ["Jazz night"])


async def test_the_case_of_an_id_makes_no_difference_to_a_write(worker: AsgiClient) -> None:
    path = await create(worker)
    upper = f"/events/{path.rpartition('/')[2].upper()}"
    for _ in range(2):
        await worker.request("GET", upper)
    await worker.request("PATCH", path, b'{"title": "Patched"}')
    assert json.loads((await worker.request("GET", upper)).body)["title"] == "Patched"


async def test_errors_are_not_kept(worker: AsgiClient) -> None:
    for target in (f"/events/{'f' * 24}", "/events?limit=0", "/nothing", "/events?limit=x"):
        for _ in range(2):
            answer = await worker.request("GET", target)
            assert answer.status >= 400
            assert "cache-status" not in answer.headers or cache_status(answer) != HIT


async def test_health_is_not_kept(worker: AsgiClient) -> None:
    for _ in range(2):
        answer = await worker.request("GET", "/health/ready")
        assert "cache-status" not in answer.headers


async def test_the_order_of_parameters_and_a_slash_make_no_difference(worker: AsgiClient) -> None:
    for _ in range(3):
        await create(worker)
    link = (await worker.request("GET", "/events?limit=1")).headers["link"]
    query = link.partition("?")[2].partition(">")[0]
    await worker.request("GET", f"/events?{query}")
    swapped = "&".join(reversed(query.split("&")))
    assert cache_status(await worker.request("GET", f"/events?{swapped}")) == HIT
    assert cache_status(await worker.request("GET", f"/events/?{query}")) == HIT
    assert (await worker.request("GET", f"//events?{query}")).status == 200


async def test_another_query_is_another_answer(worker: AsgiClient) -> None:
    for _ in range(2):
        await create(worker)
    sizes = [
        len(json.loads((await worker.request("GET", f"/events?limit={limit}")).body))
        for limit in (1, 2, 1, 2)
    ]
    assert sizes == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("text/html, */*;q=0.1", 200), ("application/*", 200), ("text/html", 406)],
)
async def test_accept_is_heeded_on_a_hit(worker: AsgiClient, accept: str, expected: int) -> None:
    path = await create(worker)
    await worker.request("GET", path)
    answer = await worker.request("GET", path, headers={"accept": accept})
    assert answer.status == expected
    if expected == 200:
        assert cache_status(answer) == HIT


async def test_equal_reads_that_miss_together_ask_the_database_once(
    worker: AsgiClient, settings: Settings, database: AsyncDatabase[Document]
) -> None:
    path = await create(worker)
    while (await worker.request("GET", "/events?sort=title")).status == 503:
        pass  # the migration asks the database, too

    async def queries() -> int:
        usage = await database.client.admin.command("top")
        return int(usage["totals"][f"{database.name}.Events"]["queries"]["count"])

    before = await queries()
    answers = await asyncio.gather(*(worker.request("GET", path) for _ in range(50)))
    reads = await queries() - before
    # Redis answers them in several rounds, and a later one may find the first read done.
    assert reads == 1 if settings.cache_type == "simple" else 1 <= reads < 5
    assert {answer.body for answer in answers} == {answers[0].body}
    statuses = Counter(map(cache_status, answers))
    # A Redis that is slow for a moment leaves some reads nothing to keep their answers under.
    assert statuses[STORED] + statuses[BYPASS] == reads
    assert statuses["eventpost; fwd=miss; collapsed"] + statuses[HIT] == 50 - reads


async def test_an_error_reaches_all_who_wait_for_the_same_read(worker: AsgiClient) -> None:
    path = f"/events/{'f' * 24}"
    answers = await asyncio.gather(*(worker.request("GET", path) for _ in range(10)))
    assert [answer.status for answer in answers] == [404] * 10


async def test_what_bypasses_the_service_is_seen_when_the_answer_expires(
    settings: Settings, mongodb: EmbeddedMongoDB, database: AsyncDatabase[Document]
) -> None:
    async with working(msgspec.structs.replace(settings, cache_timeout=2), mongodb) as worker:
        path = await create(worker)
        await until_hit(worker, path)
        await database["Events"].update_many({}, {"$set": {"title": "Bypassed"}})
        titles = {json.loads((await worker.request("GET", path)).body)["title"]}
        async with asyncio.timeout(30):
            while "Bypassed" not in titles:
                await asyncio.sleep(0.01)
                titles.add(json.loads((await worker.request("GET", path)).body)["title"])
        assert titles == {"Jazz night", "Bypassed"}


async def test_a_worker_that_is_alone_keeps_nothing(
    mongodb: EmbeddedMongoDB, name: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    # Nothing is handed down, and it forks nobody.
    settings = Settings(mongodb_database=name, data_dir=str(tmp_path))
    async with (
        connect(mongodb.uri) as client,
        AsgiClient(create_app(settings, client=client)) as worker,
    ):
        path = await create(worker)
        for _ in range(2):
            assert cache_status(await worker.request("GET", path)) == BYPASS
    assert "the response cache is off" in caplog.text


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_write_that_changes_nothing_leaves_the_list_a_hit(
    worker: AsgiClient, method: str
) -> None:
    await create(worker)
    await until_hit(worker, "/events")
    answer = await worker.request(method, f"/events/{'f' * 24}", BODY)
    assert answer.status == 404
    assert cache_status(await worker.request("GET", "/events")) == HIT


async def test_a_path_that_is_no_resource_has_no_stamp(worker: AsgiClient) -> None:
    for path in ("/events/1", "/nothing", "/health/live"):
        assert "cache-status" not in (await worker.request("GET", path)).headers


async def test_an_entry_has_nothing_that_depends_on_the_request(worker: AsgiClient) -> None:
    path = await create(worker)
    answers = [
        await worker.request("GET", path, headers={"x-request-id": str(number)})
        for number in range(3)
    ]
    assert [cache_status(answer) for answer in answers] == [STORED, HIT, HIT]
    assert [answer.headers["x-request-id"] for answer in answers] == ["0", "1", "2"]
