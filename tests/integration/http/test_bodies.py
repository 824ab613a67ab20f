"""Bodies: whatever a client sends is taken, or refused in a few words of this service."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.http.served import LONGEST_PROBLEM_BYTES, Served, problem
from tests.strategies import JSON, json_texts

# What a library says of such bodies, which is for no client.
OF_A_LIBRARY = (
    "malformed",
    "codec",
    "truncated",
    "Expecting",
    "Expected",
    "$",
    "delimiter",
    "at `",
)


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


NO_JSON = [
    (b"", "The body is empty"),
    (b" ", "not JSON at line 1, column 2"),
    (b"{", "not JSON at line 1, column 2"),
    (b'{"title": }', "not JSON at line 1, column 11"),
    (b'{"title":\n 1,\n}', "not JSON at line 3, column 1"),
    (b"{'title': 1}", "not JSON at line 1, column 2"),
    (b'{"title": 01}', "not JSON at line 1, column 12"),
    (b'{"title": "a\nb"}', "not JSON at line 1, column 13"),
    (b'{"title": "\0"}', "not JSON at line 1, column 12"),
    (b"{}x", "not JSON at line 1, column 3"),
    (b'{"title": "x', "not JSON at line 1, column 11"),
    (b'{"title": "\xc3\x28"}', "not UTF-8 at byte 11"),
    (b'{"\xff": 1}', "not UTF-8 at byte 2"),
    (b'{"title": "\xed\xa0\x80"}', "not UTF-8 at byte 11"),
    ("{}".encode("utf-16"), "not UTF-8 at byte 0"),
    ("{}".encode("utf-16-le"), "not JSON at line 1, column 2"),
    (b"\xef\xbb\xbf{}", "byte order mark"),
    (b'{"title": "\\ud800"}', "half of a surrogate pair"),
    (b'{"title": "\\udc00\\ud800"}', "half of a surrogate pair"),
    (b'{"\\udfff": 1}', "half of a surrogate pair"),
    (b'{"a": 1e400}', "the number 1e400 is out of range"),
    (b'{"a": -1e400}', "the number -1e400 is out of range"),
    (b'{"a": 1' + b"0" * 400 + b".0}", "000… is out of range"),
    (b'{"a": ' + b"9" * 4301 + b"}", "999… is longer than 4300 characters"),
    (b'{"a": -' + b"9" * 5000 + b"}", "999… is longer than 4300 characters"),
    (b'{"a": NaN}', "NaN is not a number of JSON"),
    (b'{"a": Infinity}', "Infinity is not a number of JSON"),
    (b'{"a": -Infinity}', "-Infinity is not a number of JSON"),
    (nested(10_000), "nested too deeply"),
    (b"[" * 60_000, "nested too deeply"),
    (b"null", "must be a JSON object"),
    (b"1", "must be a JSON object"),
    (b'"text"', "must be a JSON object"),
]


@pytest.mark.parametrize(("body", "words"), NO_JSON)
async def test_what_is_no_json_object_is_400_and_says_where(
    either: Served, body: bytes, words: str
) -> None:
    path = await either.create()
    for method, target in (("POST", either.collection), ("PUT", path), ("PATCH", path)):
        detail = problem(await either.worker.request(method, target, body), 400)["detail"]
        assert words in detail
        assert len(detail) < 150
        assert not any(each in detail for each in OF_A_LIBRARY)


NO_RESOURCE = [
    (nested(400), "/a"),
    (b'{"a": ' + b"9" * 4300 + b"}", "/a"),
    (b'{"a": 1e308}', "/a"),
    (b'{"\\u0000": 1}', "/\0"),
    (b'{"$where": "1"}', "/$where"),
    (b'{"a.b": 1}', "/a.b"),
    (b'{"_id": "x"}', "/_id"),
    (b'{"revision": 1}', "/revision"),
    (b'{"' + b"x" * 60_000 + b'": 1}', f"/{'x' * 40}…"),
]


@pytest.mark.parametrize(("body", "pointer"), NO_RESOURCE)
async def test_a_member_that_is_none_is_422_and_named(
    either: Served, body: bytes, pointer: str
) -> None:
    path = await either.create()
    refused = problem(await either.worker.request("PATCH", path, body), 422)
    assert [error["pointer"] for error in refused["errors"]] == [pointer]
    for method, target in (("POST", either.collection), ("PUT", path)):
        refused = problem(await either.worker.request(method, target, body), 422)
        assert pointer in [error["pointer"] for error in refused["errors"]]


@pytest.mark.parametrize("depth", range(900, 1001, 10))
async def test_any_depth_is_taken_apart_or_refused(either: Served, depth: int) -> None:
    answer = await either.worker.request("POST", either.collection, nested(depth))
    assert answer.status in (400, 422)
    if problem(answer, answer.status)["status"] == 400:
        assert "nested too deeply" in answer.body.decode()


async def test_a_control_character_is_named(either: Served) -> None:
    document = {name: f"{value}\0" for name, value in either.example.items() if value}
    answer = await either.worker.request("POST", either.collection, json.dumps(document).encode())
    errors = {error["pointer"]: error["detail"] for error in problem(answer, 422)["errors"]}
    assert errors.keys() == {f"/{name}" for name in document}
    text = "/title" if either.collection == "/events" else "/subject"
    assert errors[text].endswith("is the control character U+0000")


async def test_of_many_errors_the_first_are_listed_and_the_others_counted(either: Served) -> None:
    """Unknown members that fill the body make no larger answer."""
    members = {f"{number:06}😀": 1 for number in range(2500)}
    path = await either.create()
    body = json.dumps(members, ensure_ascii=False).encode()
    assert len(body) > 40_000
    for method, target in (("POST", either.collection), ("PUT", path), ("PATCH", path)):
        refused = problem(await either.worker.request(method, target, body), 422)
        assert len(refused["errors"]) == 20
        missing = 0 if method == "PATCH" else 4  # both models require four members
        assert refused["detail"] == (
            f"The document breaks the rules listed in errors, and {2480 + missing} more."
        )


@pytest.mark.parametrize("character", ["\x01", "~", "\\", "😀", '"'])
async def test_the_worst_names_and_values_make_no_problem_over_16_kib(
    either: Served, character: str
) -> None:
    """Each of these characters takes 2 to 7 bytes as it is escaped."""
    long = character * 100
    known = dict.fromkeys(either.example, long)
    unknown = {f"{number}{long}": long for number in range(25)}
    for document in (known | unknown, unknown, {"location": unknown}):
        body = json.dumps(document, ensure_ascii=False).encode()
        answer = await either.worker.request("POST", either.collection, body)
        assert len(problem(answer, 422)["errors"]) <= 20


async def test_of_members_of_one_name_the_last_one_counts(either: Served) -> None:
    path = await either.create()
    text = b"title" if either.collection == "/events" else b"subject"
    body = b'{"%s": 7, "%s": "The last one"}' % (text, text)
    patched = await either.worker.request("PATCH", path, body)
    assert json.loads(patched.body)[text.decode()] == "The last one"


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([], 201),
        (["identity"], 201),
        (["Identity"], 201),
        (["identity", "identity"], 201),
        ([""], 201),
        (["gzip"], 415),
        (["x-gzip"], 415),
        (["br"], 415),
        (["nonsense"], 415),
        (["identity, gzip"], 415),
        (["identity", "deflate"], 415),
        (["\xff"], 415),
    ],
)
async def test_a_content_coding_is_415(either: Served, lines: list[str], status: int) -> None:
    headers = [("content-encoding", line) for line in lines]
    path = await either.create()
    answers = [
        await either.worker.request(method, target, either.body, headers)
        for method, target in (("POST", either.collection), ("PUT", path), ("PATCH", path))
    ]
    if status == 415:
        for answer in answers:
            assert "Content-Encoding" in problem(answer, 415)["detail"]
            assert answer.headers["accept-encoding"] == "identity"
    else:
        assert [answer.status for answer in answers] == [201, 200, 200]


async def test_a_request_without_a_body_may_have_any_content_coding(either: Served) -> None:
    path = await either.create()
    for method in ("GET", "DELETE"):
        answer = await either.worker.request(method, path, headers={"content-encoding": "gzip"})
        assert answer.status == 200


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([], 201),
        ([""], 201),
        (["application/json"], 201),
        (["APPLICATION/JSON ; charset=utf-8"], 201),
        (["application/merge-patch+json"], 201),
        (["application/vnd.eventpost.v1+json;a=b"], 201),
        (["model/gltf+json"], 201),
        (["application/jsonp"], 415),
        (["text/plain, application/geo+json"], 415),
        (["application/json-seq"], 415),
        (["application/x-ndjson"], 415),
        (["application/json, text/plain"], 415),
        (["text/plain", "application/json"], 415),
        (["nonsense+json"], 415),
        (["+json"], 415),
        (["\xff+json"], 415),
        (["text/plain; a=application/json"], 415),
    ],
)
async def test_only_json_is_understood(either: Served, lines: list[str], status: int) -> None:
    headers = [("content-type", line) for line in lines]
    answer = await either.worker.request("POST", either.collection, either.body, headers)
    assert answer.status == status
    if status == 415:
        assert "application/json" in problem(answer, 415)["detail"]


async def test_a_representation_is_taken_back_as_it_came(either: Served) -> None:
    path = await either.create()
    representation = (await either.worker.request("GET", path)).body
    for method, target in (("PUT", path), ("PATCH", path), ("POST", either.collection)):
        answer = await either.worker.request(method, target, representation)
        assert answer.status in (200, 201)


ANY = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=50,
)


@ANY
@given(st.data())
async def test_whatever_a_client_sends_is_answered_with_2xx_or_a_short_problem(
    either: Served, data: st.DataObject
) -> None:
    members = st.sampled_from(sorted(either.example)) | st.text()
    parts = st.dictionaries(st.sampled_from(["latitude", "longitude", "height"]), JSON)
    document: dict[str, Any] = data.draw(st.dictionaries(members, JSON | parts))
    if data.draw(st.booleans()):
        document = {**either.example, **document}
    body = data.draw(st.just(json.dumps(document).encode()) | st.binary() | json_texts())
    path = await either.create()
    for method, target in (("POST", either.collection), ("PUT", path), ("PATCH", path)):
        answer = await either.worker.request(method, target, body)
        assert len(answer.body) <= LONGEST_PROBLEM_BYTES
        if answer.status not in (200, 201):
            refused = problem(answer, answer.status)
            assert 400 <= answer.status < 500
            assert all(error["detail"] for error in refused.get("errors", []))
        assert (await either.worker.request("GET", path)).status == 200
