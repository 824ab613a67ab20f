"""CORS: whose scripts may see an answer (WHATWG Fetch, "CORS protocol")."""

from __future__ import annotations

from pathlib import Path

import pytest

from microservice_chassis.edge.cors import CorsLayer
from microservice_chassis.edge.keys import KeyLayer, Keys
from tests.keys import key_file
from tests.unit.edge.layers import Answer, application, ask

FRIEND, OTHER_FRIEND = "https://app.example", "http://localhost:3000"
BOTH = CorsLayer(application, f"{FRIEND},{OTHER_FRIEND}")
ALL = CorsLayer(application, "*")

STRANGERS = [
    "https://evil.example",
    "null",
    "",
    "*",
    "http://app.example",
    "https://app.example:444",
    "https://app.example.evil.example",
    "https://evil.example/https://app.example",
    "HTTPS://APP.EXAMPLE",
]


async def get(layer: CorsLayer, *origins: str) -> Answer:
    return await ask(layer, "GET", "/events", [("origin", origin) for origin in origins])


async def preflight(layer: CorsLayer, origin: str, path: str = "/events") -> Answer:
    fields = [("origin", origin), ("access-control-request-method", "PATCH")]
    return await ask(layer, "OPTIONS", path, fields)


def names(value: str) -> set[str]:
    return {each.strip() for each in value.split(",")}


@pytest.mark.parametrize("origin", [FRIEND, OTHER_FRIEND])
async def test_an_allowed_origin_sees_the_answer_and_its_headers(origin: str) -> None:
    answer = await get(BOTH, origin)
    assert answer.body == b"through"
    assert answer.all("access-control-allow-origin") == [origin]
    (exposed,) = answer.all("access-control-expose-headers")
    assert names(exposed) == {
        "ETag",
        "Link",
        "Location",
        "Total-Count",
        "Total-Count-Precision",
        "X-Request-ID",
        "Cache-Status",
        "Retry-After",
    }
    assert answer.all("vary") == ["Accept", "Origin"]


@pytest.mark.parametrize("origin", STRANGERS)
async def test_another_origin_sees_nothing_of_it(origin: str) -> None:
    for answer in (await get(BOTH, origin), await preflight(BOTH, origin)):
        assert not [name for name, _ in answer.fields if name.startswith("access-control-")]
        assert "Origin" in answer.all("vary")


async def test_several_origins_are_none() -> None:
    answer = await get(BOTH, FRIEND, FRIEND)
    assert answer.all("access-control-allow-origin") == []


async def test_an_answer_varies_with_the_origin_also_where_none_is_named() -> None:
    answer = await get(BOTH)
    assert answer.all("vary") == ["Accept", "Origin"]
    assert answer.all("access-control-allow-origin") == []


@pytest.mark.parametrize("origin", [FRIEND, "null", "https://evil.example"])
async def test_all_origins_may_see_an_answer_that_varies_with_none(origin: str) -> None:
    answer = await get(ALL, origin)
    assert answer.all("access-control-allow-origin") == ["*"]
    assert answer.all("vary") == ["Accept"]
    assert (await preflight(ALL, origin)).all("access-control-allow-origin") == ["*"]


async def test_no_credentials_of_a_browser_are_asked_for() -> None:
    for layer in (BOTH, ALL):
        for answer in (await get(layer, FRIEND), await preflight(layer, FRIEND)):
            assert answer.all("access-control-allow-credentials") == []


@pytest.mark.parametrize("path", ["/events", "/nothing", "/health/live"])
async def test_a_preflight_is_answered_at_the_edge(path: str) -> None:
    answer = await preflight(BOTH, FRIEND, path)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.all("access-control-allow-origin") == [FRIEND]
    (methods,) = answer.all("access-control-allow-methods")
    assert names(methods) == {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
    (headers,) = answer.all("access-control-allow-headers")
    assert names(headers) >= {"Authorization", "Content-Type", "Idempotency-Key", "If-Match"}
    assert answer.all("access-control-max-age") == ["7200"]
    assert answer.all("vary") == ["Origin"]
    assert len(answer.all("x-request-id")) == 1


async def test_options_without_a_method_asked_for_is_no_preflight() -> None:
    answer = await ask(BOTH, "OPTIONS", "/events", [("origin", FRIEND)])
    assert answer.body == b"through"


async def test_a_method_asked_for_by_another_method_is_no_preflight() -> None:
    fields = [("origin", FRIEND), ("access-control-request-method", "PATCH")]
    assert (await ask(BOTH, "GET", "/events", fields)).body == b"through"


async def test_a_preflight_needs_no_key_and_a_refusal_can_be_read(tmp_path: Path) -> None:
    keys = KeyLayer(application, Keys(key_file(tmp_path / "keys")), [], [])
    layer = CorsLayer(keys, FRIEND)
    assert (await preflight(layer, FRIEND)).status == 204
    answer = await get(layer, FRIEND)
    assert answer.status == 401
    assert answer.all("access-control-allow-origin") == [FRIEND]
