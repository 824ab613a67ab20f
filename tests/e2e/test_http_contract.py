"""What a client of either service can rely on, over HTTP, with 7 workers behind it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services import Service
from tests.strategies import EVENT_DOCUMENTS, JSON

TIMEOUT_S = 10


def call(method: str, url: str, **arguments: Any) -> requests.Response:
    return requests.request(method, url, timeout=TIMEOUT_S, **arguments)


def create(service: Service, **members: Any) -> dict[str, Any]:
    answer = call("POST", service.collection, json={**service.example, **members})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def problem(answer: requests.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer, which must be one and complete."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert set(document) - {"errors"} == {"type", "title", "status", "detail"}
    assert document["title"]
    assert not document["title"][0].isdigit()
    assert document["detail"]
    return document


def test_post_creates_and_says_where(either: Service) -> None:
    answer = call("POST", either.collection, json=either.example)
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    created = answer.json()
    assert {name: created[name] for name in either.example} == either.example
    location = urljoin(either.collection, answer.headers["Location"])
    assert location == f"{either.collection}/{created['id']}"
    found = call("GET", location)
    assert found.status_code == 200
    assert found.json() == created
    assert found.headers["ETag"] == answer.headers["ETag"]


ORDER = {
    "events": "id title description date time place organizer topics timezone duration location"
    " starts_at ends_at created_at updated_at",
    "notifications": "id subject content to_mail scheduled_time status attempts last_error sent_at"
    " history created_at updated_at",
}


@pytest.mark.parametrize("name", ORDER)
def test_members_answer_in_their_order(running: dict[str, Service], name: str) -> None:
    assert " ".join(create(running[name])) == ORDER[name]


def test_an_event_tells_its_instants(events: Service) -> None:
    created = create(events)
    assert created["starts_at"] == "2027-05-01T18:00:00Z"
    assert created["ends_at"] == "2027-05-01T20:00:00Z"


def test_a_notification_is_pending(running: dict[str, Service]) -> None:
    created = create(running["notifications"])
    assert created["status"] == "pending"
    assert (created["attempts"], created["last_error"], created["sent_at"]) == (0, None, None)


def test_put_replaces_the_whole(either: Service) -> None:
    created = create(either)
    url = f"{either.collection}/{created['id']}"
    answer = call("PUT", url, json={**either.example, either.text: "Another text"})
    assert answer.status_code == 200
    assert answer.json()[either.text] == "Another text"
    assert answer.json()["created_at"] == created["created_at"]
    assert call("GET", url).json() == answer.json()


def test_put_resets_what_it_does_not_give(events: Service) -> None:
    created = create(events)
    required = {name: events.example[name] for name in ("title", "description", "date", "time")}
    answer = call("PUT", f"{events.collection}/{created['id']}", json=required)
    assert answer.json()["location"] is None
    assert answer.json()["place"] == ""


def test_patch_merges(either: Service) -> None:
    created = create(either)
    url = f"{either.collection}/{created['id']}"
    headers = {"Content-Type": "application/merge-patch+json"}
    answer = call("PATCH", url, data=f'{{"{either.text}": "Another text"}}', headers=headers)
    assert answer.status_code == 200
    expected = {**created, either.text: "Another text", "updated_at": answer.json()["updated_at"]}
    assert answer.json() == call("GET", url).json() == expected


def test_a_patch_of_a_missing_location_says_what_is_missing(events: Service) -> None:
    created = create(events, location=None)
    url = f"{events.collection}/{created['id']}"
    answer = call("PATCH", url, json={"location": {"latitude": 1}})
    assert problem(answer, 422)["errors"][0]["pointer"] == "/location/longitude"


def test_a_representation_may_be_sent_back_as_it_came(either: Service) -> None:
    created = create(either)
    url = f"{either.collection}/{created['id']}"
    answer = call("PUT", url, json=created)
    assert answer.json() == {**created, "updated_at": answer.json()["updated_at"]}
    assert call("PATCH", url, json=created).status_code == 200
    assert call("POST", either.collection, json=created).json()["id"] != created["id"]


def test_delete_answers_what_was_deleted(either: Service) -> None:
    created = create(either)
    url = f"{either.collection}/{created['id']}"
    answer = call("DELETE", url)
    assert (answer.status_code, answer.json()) == (200, created)
    for method in ("GET", "DELETE"):
        problem(call(method, url), 404)
    problem(call("PUT", url, json=either.example), 404)
    problem(call("PATCH", url, json={}), 404)


def test_each_revision_has_an_entity_tag_of_its_own(either: Service) -> None:
    created = call("POST", either.collection, json=either.example)
    url = f"{either.collection}/{created.json()['id']}"
    replaced = call("PUT", url, json=either.example)
    patched = call("PATCH", url, json={})
    deleted = call("DELETE", url)
    other = call("POST", either.collection, json=either.example)
    tags = [answer.headers["ETag"] for answer in (created, replaced, patched, other)]
    assert len(set(tags)) == 4
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)
    assert deleted.headers["ETag"] == patched.headers["ETag"]


def test_head_is_get_without_the_body(either: Service) -> None:
    created = create(either)
    for url in (f"{either.collection}?limit=1", f"{either.collection}/{created['id']}"):
        get, head = call("GET", url), call("HEAD", url)
        assert head.status_code == 200
        assert head.content == b""
        same = ("Content-Type", "Content-Length", "ETag", "Link")
        assert [head.headers.get(name) for name in same] == [get.headers.get(name) for name in same]


ALLOWED = {
    "": {"GET", "HEAD", "POST", "OPTIONS"},
    "/" + "f" * 24: {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"},
}


@pytest.mark.parametrize("path", ALLOWED)
def test_options_lists_the_methods(either: Service, path: str) -> None:
    answer = call("OPTIONS", either.collection + path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert set(answer.headers["Allow"].split(", ")) == ALLOWED[path]


@pytest.mark.parametrize("path", ALLOWED)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_other_methods_are_not_allowed(either: Service, path: str, method: str) -> None:
    answer = call(method, either.collection + path)
    if method in ALLOWED[path]:
        assert answer.status_code != 405
    else:
        problem(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) == ALLOWED[path]


def test_a_list_pages_through_everything_in_the_order_of_creation(either: Service) -> None:
    created = [create(either)["id"] for _ in range(7)]
    found: list[str] = []
    url = f"{either.collection}?limit=3"
    while url:
        answer = call("GET", url)
        assert answer.status_code == 200
        assert len(answer.json()) <= 3
        found.extend(resource["id"] for resource in answer.json())
        link = answer.links.get("next")
        url = urljoin(url, link["url"]) if link else ""
    assert found[-7:] == created
    assert len(found) == len(set(found))


def test_a_page_has_a_hundred_resources_unless_asked(either: Service) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: create(either), range(101)))
    assert len(call("GET", either.collection).json()) == 100
    assert "next" in call("GET", either.collection).links
    assert len(call("GET", f"{either.collection}?limit=1000").json()) > 100


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-1", "limit=1.5", "limit=", "limit=x", "limit=%D9%A3"]
    + ["limit=1&limit=1", "limit=1,2", "cursor=", "cursor=x", "cursor=%00", "cursor=AAAA"]
    + ["page=2", "Limit=1", "=", "limit=99999999999999999999999"],
)
def test_a_query_that_means_nothing_is_refused(either: Service, query: str) -> None:
    problem(call("GET", f"{either.collection}?{query}"), 400)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_an_item_takes_no_query(either: Service, method: str) -> None:
    url = f"{either.collection}/{create(either)['id']}"
    assert "limit" in problem(call(method, f"{url}?limit=1"), 400)["detail"]
    assert call("GET", url).status_code == 200


def test_a_trailing_slash_makes_no_difference(either: Service) -> None:
    answer = call("POST", f"{either.collection}/", json=either.example)
    assert answer.status_code == 201
    assert answer.headers["Location"].count("//") == 0
    url = urljoin(either.collection, answer.headers["Location"])
    assert call("GET", f"{url}/").json() == call("GET", url).json()
    assert call("GET", f"{either.collection}/?limit=1").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/events/a/b", "//", "/%00", "/events%2F1", "/../etc/passwd", "/%ff"],
)
def test_an_unknown_path_is_not_found(either: Service, path: str) -> None:
    problem(call("GET", either.url + path), 404)


@pytest.mark.parametrize(
    "identifier",
    ["f" * 24, "x" * 24, "..%2Fx", "%00", "%F0%9F%98%80", "f" * 5000, "' or 1", "$ne"],
)
def test_an_unknown_id_is_not_found(either: Service, identifier: str) -> None:
    problem(call("GET", f"{either.collection}/{identifier}"), 404)
    problem(call("PUT", f"{either.collection}/{identifier}", json=either.example), 404)


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


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("text/html, */*;q=0.1", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
    ],
)
def test_only_json_is_answered(either: Service, accept: str, status: int) -> None:
    answer = call("GET", either.collection, headers={"Accept": accept})
    assert answer.status_code == status
    if status == 406:
        problem(answer, 406)


def test_a_request_that_is_refused_for_its_accept_changes_nothing(either: Service) -> None:
    url = f"{either.collection}/{create(either)['id']}"
    problem(call("DELETE", url, headers={"Accept": "text/html"}), 406)
    assert call("GET", url).status_code == 200


def test_what_a_client_wrote_is_seen_at_once_by_every_worker(either: Service) -> None:
    url = f"{either.collection}/{create(either)['id']}"
    for number in range(30):
        text = f"Revision number {number}"
        assert call("PATCH", url, json={either.text: text}).status_code == 200
        assert call("GET", url).json()[either.text] == text


def test_health(either: Service) -> None:
    for path in ("live", "ready"):
        url = f"{either.url}/health/{path}"
        get = call("GET", url, headers={"Accept": "text/html"})
        assert (get.status_code, get.json()) == (200, {"status": path})
        head = call("HEAD", url)
        assert (head.status_code, head.content) == (200, b"")
        options = call("OPTIONS", url)
        assert (options.status_code, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")


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
