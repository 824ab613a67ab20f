"""Bodies that either service takes over HTTP, and those that it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.e2e.calls import call, create, problem
from tests.services import Service
from tests.strategies import EVENT_DOCUMENTS, JSON

BAD_BODIES = [
    (b"", 400),
    (b" ", 400),
    (b"{", 400),
    (b'{"title": }', 400),
    (b"\xff\xfe{}", 400),
    (b'{"title": "\xc3\x28"}', 400),
    ("{}".encode("utf-16"), 400),
    (b'{"title": "\\ud800"}', 400),
    (b'{"title": "\\udc00\\ud800"}', 400),
    (b"null", 400),
    (b"1", 400),
    (b'"text"', 400),
    (b'{"a": 1e400}', 400),
    (b'{"a": ' + b"9" * 5000 + b"}", 400),
    (b'{"a": NaN}', 400),
    (b"[" * 60_000, 400),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    (b"{}", 422),
    (b'{"title": "a\\u0000b"}', 422),
    (b'{"\\u0000": 1}', 422),
    (b'{"title": 1, "title": 2}', 422),
    (b'{"$where": "1", "a.b": 1}', 422),
    (b'{"_id": "x", "revision": 1}', 422),
]


@pytest.mark.parametrize(("body", "status"), BAD_BODIES)
def test_a_body_that_is_no_resource_is_refused(either: Service, body: bytes, status: int) -> None:
    url = f"{either.collection}/{create(either)['id']}"
    for method, target in (("POST", either.collection), ("PUT", url), ("PATCH", url)):
        if (method, body) != ("PATCH", b"{}"):
            headers = {"Content-Type": "application/json"}
            problem(call(method, target, data=body, headers=headers), status)


@pytest.mark.parametrize("body", [b"[]", b"[{}]"])
def test_an_array_is_for_a_post_to_the_collection_only(either: Service, body: bytes) -> None:
    url = f"{either.collection}/{create(either)['id']}"
    headers = {"Content-Type": "application/json"}
    problem(call("POST", either.collection, data=body, headers=headers), 422)
    for method in ("PUT", "PATCH"):
        problem(call(method, url, data=body, headers=headers), 400)


def test_every_broken_rule_of_a_body_is_named(events: Service) -> None:
    body = {**events.example, "title": "", "date": "2027-02-30", "color": "red"}
    found = problem(call("POST", events.collection, json=body), 422)
    assert [error["pointer"] for error in found["errors"]] == ["/title", "/date", "/color"]
    assert all(error["detail"] for error in found["errors"])


def test_a_body_may_have_64_kib_and_no_more(either: Service) -> None:
    headers = {"Content-Type": "application/json"}
    body = json.dumps(either.example).encode()
    at_limit = body + b" " * (64 * 1024 - len(body))
    assert call("POST", either.collection, data=at_limit, headers=headers).status_code == 201
    problem(call("POST", either.collection, data=at_limit + b" ", headers=headers), 413)
    chunks = iter([at_limit, b" "])
    problem(call("POST", either.collection, data=chunks, headers=headers), 413)
    assert call("POST", either.collection, data=iter([body]), headers=headers).status_code == 201


def test_an_array_may_have_2_mib_however_it_comes_and_no_more(either: Service) -> None:
    headers = {"Content-Type": "application/json"}
    body = json.dumps([either.example] * 3).encode()
    at_limit = body + b" " * (2 * 1024 * 1024 - len(body))
    assert call("POST", either.collection, data=at_limit, headers=headers).status_code == 201
    assert (
        call("POST", either.collection, data=iter([at_limit]), headers=headers).status_code == 201
    )
    problem(call("POST", either.collection, data=at_limit + b" ", headers=headers), 413)
    chunks = iter([at_limit, b" "])
    problem(call("POST", either.collection, data=chunks, headers=headers), 413)


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("Application/JSON", 201),
        ("application/vnd.eventpost+json", 201),
        ("", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("json", 415),
        ("application/xml", 415),
    ],
)
def test_only_json_is_understood(either: Service, media_type: str, status: int) -> None:
    body = json.dumps(either.example).encode()
    headers = {"Content-Type": media_type} if media_type else {}
    answer = call("POST", either.collection, data=body, headers=headers)
    assert answer.status_code == status
    if status == 415:
        problem(answer, 415)


@settings(deadline=None, max_examples=100)
@given(EVENT_DOCUMENTS)
def test_every_accepted_event_comes_back_equal(
    running: dict[str, Service], document: dict[str, Any]
) -> None:
    events = running["events"]
    created = create(events, **document)
    found = call("GET", f"{events.collection}/{created['id']}").json()
    assert found == created
    assert {name: found[name] for name in document} == document


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(["POST", "PUT", "PATCH"]), st.binary() | JSON)
def test_no_body_makes_a_server_error(running: dict[str, Service], method: str, body: Any) -> None:
    events = running["events"]
    url = events.collection if method == "POST" else f"{events.collection}/{'f' * 24}"
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    assert call(method, url, data=body, headers=headers).status_code < 500
