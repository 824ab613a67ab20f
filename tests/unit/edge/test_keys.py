"""API keys at the edge: who passes, and what the others are told (RFC 6750, RFC 7617)."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from microservice_chassis.edge.keys import KeyLayer, Keys
from microservice_chassis.errors import InvalidSetting
from tests.keys import OTHER_WRITE, READ, WRITE, basic, bearer, key_file
from tests.unit.edge.layers import Answer, application, ask

CHALLENGE = 'Bearer realm="EventPost"'
BASIC_CHALLENGE = 'Basic realm="EventPost", charset="UTF-8"'


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(key_file(tmp_path / "keys"))


@pytest.fixture
def layer(keys: Keys) -> KeyLayer:
    return KeyLayer(application, keys, ["/health/live"], [])


async def get(layer: KeyLayer, authorization: str | None, method: str = "GET") -> Answer:
    fields = [] if authorization is None else [("authorization", authorization)]
    return await ask(layer, method, "/events", fields)


def refused(answer: Answer, status: int, error: str = "") -> None:
    """The answer must be a problem that says how it is done right, and a challenge."""
    assert answer.status == status
    problem = json.loads(answer.body)
    assert problem["status"] == status
    assert "key" in problem["detail"]
    assert answer.all("content-type") == ["application/problem+json"]
    assert answer.all("www-authenticate") == [CHALLENGE + error, BASIC_CHALLENGE]
    assert answer.all("cache-control") == ["no-store"]
    assert len(answer.all("x-request-id")) == 1


async def test_who_has_no_key_is_told_which_one_would_do(layer: KeyLayer) -> None:
    for authorization in (None, "Digest username=x", "Negotiate abc", "", "Bearer"):
        answer = await get(layer, authorization)
        if authorization == "Bearer":
            refused(answer, 400, ', error="invalid_request"')
        else:
            refused(answer, 401)


@pytest.mark.parametrize("key", ["nobodys", READ + "x", READ[:-1], READ.upper(), "=", "a" * 60_000])
async def test_a_key_of_nobody_is_refused(layer: KeyLayer, key: str) -> None:
    if key != "=":
        refused(await get(layer, f"Bearer {key}"), 401, ', error="invalid_token"')
    refused(await get(layer, basic(key)["authorization"]), 401, ', error="invalid_token"')


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        'Bearer "a"',
        "Bearer =",
        "Bearer a\xff",
        f"Bearer {READ}, Bearer {READ}",
        "Basic",
        "Basic !",
        f"Basic {b64encode(READ.encode()).decode()}",  # without a colon
    ],
)
async def test_what_is_no_key_is_malformed(layer: KeyLayer, authorization: str) -> None:
    refused(await get(layer, authorization), 400, ', error="invalid_request"')


async def test_two_keys_at_once_are_malformed(layer: KeyLayer) -> None:
    fields = [*bearer(READ).items(), *bearer(READ).items()]
    answer = await ask(layer, "GET", "/events", fields)
    refused(answer, 400, ', error="invalid_request"')


async def test_a_refusal_of_head_is_that_of_get_without_content(layer: KeyLayer) -> None:
    head, get_ = await get(layer, None, "HEAD"), await get(layer, None)
    assert (head.status, head.body) == (401, b"")
    assert head.all("content-length") == get_.all("content-length") == [str(len(get_.body))]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_bearer_passes(layer: KeyLayer, scheme: str) -> None:
    for spaces in (" ", "   "):
        answer = await get(layer, f"{scheme}{spaces}{READ}")
        assert (answer.status, answer.body) == (200, b"through")


@pytest.mark.parametrize("user", ["", "anybody", "Jürgen"])
async def test_the_password_of_basic_is_a_key_whoever_the_user_is(
    layer: KeyLayer, user: str
) -> None:
    assert (await get(layer, basic(READ, user)["authorization"])).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_who_may_read_may_read(layer: KeyLayer, method: str) -> None:
    assert (await get(layer, f"Bearer {READ}", method)).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE", "get"])
async def test_who_may_only_read_may_do_nothing_else(layer: KeyLayer, method: str) -> None:
    error = ', error="insufficient_scope", scope="write"'
    refused(await get(layer, f"Bearer {READ}", method), 403, error)


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST", "DELETE"])
async def test_who_may_write_may_do_all(layer: KeyLayer, method: str) -> None:
    for key in (WRITE, OTHER_WRITE):
        assert (await get(layer, f"Bearer {key}", method)).status == 200


async def test_what_is_open_needs_no_key_and_looks_at_none(layer: KeyLayer) -> None:
    for fields in ([], [("authorization", "Bearer nobodys")]):
        for method in ("GET", "POST"):
            assert (await ask(layer, method, "/health/live", fields)).status == 200


async def test_what_does_not_exist_needs_a_key(layer: KeyLayer) -> None:
    assert (await ask(layer, "GET", "/nothing")).status == 401


async def test_what_is_public_can_be_read_without_a_key_and_not_written(keys: Keys) -> None:
    layer = KeyLayer(application, keys, [], ["/events"])
    for method, status in (("GET", 200), ("HEAD", 200), ("OPTIONS", 401), ("POST", 401)):
        assert (await ask(layer, method, "/events")).status == status
    assert (await ask(layer, "GET", "/health/live")).status == 401


async def test_a_file_that_is_read_again_counts_and_one_that_is_malformed_does_not(
    keys: Keys, layer: KeyLayer, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    before = path.read_text().splitlines(keepends=True)
    path.write_text("".join(before[1:]))
    keys.read()
    assert (await get(layer, f"Bearer {READ}")).status == 401
    path.write_text("nonsense\n" + "".join(before))
    with pytest.raises(InvalidSetting, match=r"^line 1 of "):
        keys.read()
    assert (await get(layer, f"Bearer {READ}")).status == 401
    assert (await get(layer, f"Bearer {WRITE}")).status == 200
