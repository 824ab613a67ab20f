"""Where links, Location and calendars lead: below PUBLIC_URL, or where the request came to."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest

from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from tests.calendars import events
from tests.integration.asgi import HIT, AsgiClient, cache_status
from tests.integration.http.served import Served, searchable, serving
from tests.services import KINDS

PUBLIC = "https://example.org/eventpost"
PROXY = "127.0.0.1"


async def url_in(worker: AsgiClient, path: str, **headers: str) -> str:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await worker.request("GET", path, headers=fields)
    (event,) = events(answer.body)
    url: str = event.url.value
    return url


async def created(served: Served, **headers: str) -> str:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await served.worker.request("POST", served.collection, served.body, fields)
    return answer.headers["location"]


async def next_page(served: Served, **headers: str) -> str:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await served.worker.request("GET", f"{served.collection}?limit=1", headers=fields)
    found = re.match(r"<([^?]+)\?", answer.headers["link"])
    assert found
    return found[1]


async def server_in(worker: AsgiClient, path: str, **headers: str) -> str:
    """The URL in front of the paths of the API document (OpenAPI 3.1, "Server Object")."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    document = json.loads((await worker.request("GET", path, headers=fields)).body)
    (server,) = document["servers"]
    url: str = server["url"]
    return url


@pytest.mark.parametrize("name", KINDS)
async def test_links_and_location_are_below_the_path_of_the_public_url(
    mongodb: EmbeddedMongoDB, name: str
) -> None:
    async with serving(name, mongodb, public_url=PUBLIC) as served:
        for _ in range(2):
            location = await created(served, host="evil.example")
            assert location.startswith(f"/eventpost{served.collection}/")
        for _ in range(2):
            assert await next_page(served) == f"/eventpost{served.collection}"


async def test_a_calendar_leads_to_the_public_url(mongodb: EmbeddedMongoDB) -> None:
    async with serving("events", mongodb, public_url=PUBLIC) as served:
        await searchable(served)
        path = (await created(served)).removeprefix("/eventpost")
        for asked in (f"{path}.ics", "/events.ics"):
            assert await url_in(served.worker, asked, host="evil.example") == f"{PUBLIC}{path}"


async def test_a_calendar_leads_where_it_was_asked_for_also_on_a_hit(
    mongodb: EmbeddedMongoDB,
) -> None:
    async with serving("events", mongodb) as served:
        path = await created(served)
        for host in ("a.example", "b.example:81", "a.example", "b.example:81"):
            assert await url_in(served.worker, f"{path}.ics", host=host) == f"http://{host}{path}"
        answer = await served.worker.request("GET", f"{path}.ics", headers={"host": "a.example"})
        assert cache_status(answer) == HIT


async def test_what_a_stranger_says_of_himself_leads_nowhere(mongodb: EmbeddedMongoDB) -> None:
    async with serving("events", mongodb) as served:
        said = {"x_forwarded_host": "evil.example", "x_forwarded_prefix": "/evil"}
        path = await created(served, **said)
        await created(served)
        assert path.startswith("/events/")
        assert await next_page(served, **said) == "/events"
        url = await url_in(served.worker, f"{path}.ics", host="a.example", **said)
        assert url == f"http://a.example{path}"


async def test_links_are_below_the_path_that_a_trusted_proxy_names_also_on_a_hit(
    mongodb: EmbeddedMongoDB,
) -> None:
    name = f"test-{uuid4()}"
    async with serving("events", mongodb, mongodb_database=name, trusted_proxies=PROXY) as served:
        behind = Served(_Behind(served.worker), served.collection, served.example)
        assert (await created(behind, x_forwarded_prefix="/a")).startswith("/a/events/")
        await created(behind)
        for prefix in ("/a", "/b/c", "/a", "/b/c"):
            assert await next_page(behind, x_forwarded_prefix=prefix) == f"{prefix}/events"
        assert await next_page(behind) == "/events"
        assert await next_page(served, x_forwarded_prefix="/a") == "/events"


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.json/"])
async def test_the_api_document_names_where_it_was_asked_for(
    mongodb: EmbeddedMongoDB, path: str
) -> None:
    async with serving("events", mongodb, trusted_proxies=PROXY) as served:
        behind = _Behind(served.worker)
        for prefix in ("", "/a", "/b/c", ""):
            said = {"x_forwarded_proto": "https", "x_forwarded_prefix": prefix}
            said["x_forwarded_host"] = "example.org"
            assert await server_in(behind, path, **said) == f"https://example.org{prefix}"
            # Nobody else is believed.
            said["host"] = "a.example:81"
            assert await server_in(served.worker, path, **said) == "http://a.example:81"


async def test_the_api_document_names_the_public_url(mongodb: EmbeddedMongoDB) -> None:
    async with serving("events", mongodb, public_url=PUBLIC, trusted_proxies=PROXY) as served:
        said = {"host": "evil.example", "x_forwarded_prefix": "/evil"}
        assert await server_in(_Behind(served.worker), "/openapi.json", **said) == PUBLIC


class _Behind(AsgiClient):
    """The same worker, as a proxy on this machine asks it."""

    def __init__(self, worker: AsgiClient) -> None:
        super().__init__(worker.app, client=(PROXY, 50000))
