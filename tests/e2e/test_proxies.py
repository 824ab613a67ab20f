"""Behind the proxies of the documentation: TLS, keys, links, exports, and nothing made up."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from tests.calendars import events
from tests.e2e.proxies import HOST, PROXIES, Proxy, is_installed, running
from tests.keys import READ, WRITE, basic, bearer, key_file
from tests.process_tree import wait_for
from tests.services import Service, service

MADE_UP = [
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil"},
    {"X-Forwarded-Proto": "http", "X-Forwarded-For": "127.0.0.1, 127.0.0.1"},
    {"Forwarded": "for=127.0.0.1;host=evil.example;proto=http"},
]


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An events service with keys that believes who is on this machine."""
    folder = tmp_path_factory.mktemp("behind")
    keys = key_file(folder / "keys")
    settings = {"API_KEYS_FILE": keys, "TRUSTED_PROXIES": "127.0.0.1", "WEB_CONCURRENCY": "2"}
    with (folder / "log").open("wb") as log:
        target = service("events", folder / "data", log, **settings)
        with target.process:
            target.process.wait_until_ready()
            url = f"{target.collection}?sort=updated_at"  # until the indexes are built
            wait_for(lambda: requests.get(url, headers=bearer(READ), timeout=5).status_code == 200)
            yield target


@pytest.fixture(scope="module", params=PROXIES)
def proxy(
    request: pytest.FixtureRequest, behind: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    """Each of the proxies that are installed in turn."""
    if not is_installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    with running(request.param, tmp_path_factory.mktemp(request.param), behind.url) as proxy:
        yield proxy


def create(proxy: Proxy, behind: Service, **headers: str) -> str:
    body = json.dumps(behind.example).encode()
    status, answered, _ = proxy.request("POST", "/events", body, {**bearer(WRITE), **headers})
    assert status == 201
    return answered["location"]


def test_links_are_relative_and_absolute_urls_have_the_name_that_clients_use(
    proxy: Proxy, behind: Service
) -> None:
    path = create(proxy, behind)
    create(proxy, behind)
    assert path.startswith("/events/")
    _, answered, _ = proxy.request("GET", "/events?limit=1", headers=bearer(READ))
    assert answered["link"].startswith("</events?limit=1&cursor=")
    for _ in range(2):
        _, _, body = proxy.request("GET", f"{path}.ics", headers=basic(READ))
        (event,) = events(body)
        assert event.url.value == f"https://{HOST}:{proxy.port}{path}"
    _, _, document = proxy.request("GET", "/openapi.json")
    assert json.loads(document)["servers"] == [{"url": f"https://{HOST}:{proxy.port}"}]


@pytest.mark.parametrize("said", MADE_UP, ids=lambda said: next(iter(said)))
def test_what_a_client_makes_up_counts_for_nothing(
    proxy: Proxy, behind: Service, said: dict[str, str]
) -> None:
    path = create(proxy, behind, **said)
    assert path.startswith("/events/")
    _, _, body = proxy.request("GET", f"{path}.ics", headers={**bearer(READ), **said})
    (event,) = events(body)
    assert event.url.value == f"https://{HOST}:{proxy.port}{path}"


def test_strangers_are_refused_and_told_how_to_come_in(proxy: Proxy) -> None:
    status, answered, body = proxy.request("GET", "/events")
    assert status == 401
    assert "Bearer" in answered["www-authenticate"] or "Basic" in answered["www-authenticate"]
    assert json.loads(body)["status"] == 401
    assert answered["x-content-type-options"] == "nosniff"
    assert not any(digit in answered.get("server", "") for digit in "0123456789")


def test_an_export_comes_as_a_whole(proxy: Proxy, behind: Service) -> None:
    create(proxy, behind)
    headers = {**bearer(READ), "Accept": "application/x-ndjson"}
    status, _, body = proxy.request("GET", "/events", headers=headers)
    assert status == 200
    direct = requests.get(behind.collection, headers=headers, timeout=10)
    assert body == direct.content


def test_a_body_of_the_largest_size_reaches_the_service(proxy: Proxy) -> None:
    body = b"[" + b" " * (2 * 1024 * 1024 - 2) + b"]"
    status, _, answer = proxy.request("POST", "/events", body, bearer(WRITE))
    assert status == 422, answer
    status, _, answer = proxy.request("POST", "/events", body + b" ", bearer(WRITE))
    assert status == 413
    assert json.loads(answer)["status"] == 413
