"""/docs: the page, and the files that it loads."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest

from tests.integration.http.served import Served, problem


async def links(served: Served, path: str) -> list[str]:
    """The paths of what the page loads."""
    page = await served.worker.request("GET", path)
    assert page.status == 200
    return [urljoin(path, link) for link in re.findall(r'(?:src|href)="([^"]+)"', str(page.body))]


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
async def test_the_page_loads_what_is_there(either: Served, path: str) -> None:
    loaded = await links(either, path)
    assert len(loaded) == 4
    for each in loaded:
        answer = await either.worker.request("GET", each)
        assert (answer.status, answer.headers["x-content-type-options"]) == (200, "nosniff")
        assert answer.headers["content-type"] != "application/json"


@pytest.mark.parametrize("path", ["/eventpost/docs", "/eventpost/docs/"])
async def test_below_the_path_of_a_proxy_it_loads_the_same(either: Served, path: str) -> None:
    page = await either.worker.request("GET", path.removeprefix("/eventpost"))
    found = re.findall(r'(?:src|href)="([^"]+)"', str(page.body))
    assert {urljoin(path, link).partition("/docs/")[0] for link in found} == {"/eventpost"}


async def test_it_runs_nothing_that_is_not_in_a_file_of_the_service(either: Served) -> None:
    page = await either.worker.request("GET", "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-content-type-options"] == "nosniff"
    policy = page.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'"} <= set(policy)
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not re.search(rb"<style|style=|<script>|\bon[a-z]+=|https?:", page.body)


async def test_what_a_version_of_swagger_ui_names_is_kept_for_ever(either: Served) -> None:
    for path in await links(either, "/docs"):
        answer = await either.worker.request("GET", path)
        immutable = "immutable" in answer.headers["cache-control"]
        assert immutable is bool(re.match(r"/docs/swagger-ui-\d+\.\d+\.\d+/", path))
        condition = {"if-none-match": answer.headers["etag"]}
        again = await either.worker.request("GET", path, headers=condition)
        assert (again.status, again.body) == (304, b"")


async def test_the_page_and_its_files_have_the_methods_of_what_is_read(either: Served) -> None:
    for path in ("/docs", *await links(either, "/docs")):
        got, head = [await either.worker.request(method, path) for method in ("GET", "HEAD")]
        assert head.headers["content-length"] == str(len(got.body))
        options = await either.worker.request("OPTIONS", path)
        assert options.headers["allow"] == "GET, HEAD, OPTIONS"
        problem(await either.worker.request("DELETE", path), 405)


@pytest.mark.parametrize(
    "name",
    [
        "page.html",
        "index.html",
        "swagger-ui.css",
        "../openapi.json",
        "..%2Fpage.py",
        "%2e%2e/page.py",
    ]
    + ["swagger-ui-5.31.0", "swagger-ui-5.31.0/", "swagger-ui-5.31.0/swagger-ui.js"]
    + ["swagger-ui-5.31.0/../../../etc/passwd", "swagger-ui-5.31.0//etc/passwd", "start.js%00"],
)
async def test_nothing_else_is_there(either: Served, name: str) -> None:
    problem(await either.worker.request("GET", f"/docs/{name}"), 404)
