"""What a client of either service can rely on, over HTTP, with 7 workers behind it."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest

from tests.e2e.calls import call, create, problem
from tests.services import Service


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
