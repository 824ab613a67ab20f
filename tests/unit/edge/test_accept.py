"""What a client accepts."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microservice_chassis.edge.accept import Offer
from microservice_chassis.edge.asgi import header
from microservice_chassis.edge.list_header import elements, parameters

JSON_ALONE = Offer("application/json")
SEVERAL = Offer("application/json", "application/x-ndjson", "text/calendar")


def accepts_json(headers: list[tuple[bytes, bytes]]) -> bool:
    return allows_json(header(headers, b"accept"))


def allows_json(accept: bytes | None) -> bool:
    return JSON_ALONE.choose(accept) == "application/json"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], True),
        ([b"*/*"], True),
        ([b"application/json"], True),
        ([b"Application/JSON; charset=utf-8"], True),
        ([b"application/*"], True),
        ([b"text/html, */*;q=0.1"], True),
        ([b"text/html", b"*/*;q=0.1"], True),
        ([b'text/html;a="x, application/json"'], False),
        ([b'text/html;a="\\"x, y", application/json'], True),
        ([b"text/html"], False),
        ([b""], False),
        ([b"application/json;q=0"], False),
        ([b"application/json;q=0, */*"], False),
        ([b"application/json;q=0.0", b"application/*"], False),
        ([b"*/*;q=0, application/json;q=0.001"], True),
        ([b"application/json; Q = 0"], False),
        ([b"application/json;q=..."], False),
        ([b"json"], False),
        ([b"APPLICATION/*;Q=0.5"], True),
        ([b"*/*;q=0.1"], True),
        ([b"*/*;q=.2"], True),
        ([b"application/json;q=1.000"], True),
        ([b"application/json;q=0.000"], False),
        ([b"application/*;q=0, */*"], False),
        ([b"*/*, application/*;q=0, application/json"], True),
        ([b"application/json;q=0", b"*/*"], False),
        ([b"application/json;q=0, application/json"], True),
        ([b"application/json;version=2;q=0, application/json"], True),
        ([b"application/json, application/json;version=2;q=0"], True),
        ([b"application/json;q=0;version=2, */*"], True),
        ([b'application/json;a=";q=0"'], True),
        ([b'application/json;a=",";q=0'], False),
        ([b'application/json;a="\\";q=0"'], True),
        ([b'text/html;a="x', b'application/json"'], False),
        ([b"application/json;q=2, */*;q=0"], False),
        ([b"application/json;q=-1"], False),
        ([b"application/json;q=1e3"], False),
        ([b"application/json;q="], False),
        ([b"application/json;q"], False),
        ([b"application/json;q=nan, */*"], True),
        ([b"application/json;"], True),
        ([b";"], False),
        ([b";q=1"], False),
        ([b",;,"], False),
        ([b"*"], False),
        ([b"*/json"], False),
        ([b"application/xml+json"], False),
        ([b"\xff, application/json"], True),
        ([b'"' * 60_000], False),
        ([b"text/html," * 6_000, b"application/json"], True),
    ],
)
def test_the_most_specific_range_decides(values: list[bytes], expected: bool) -> None:
    headers = [(b"host", b"localhost"), *((b"accept", value) for value in values)]
    assert accepts_json(headers) is expected


@given(st.lists(st.text('aq*/;,="\\.01 \xff', max_size=20) | st.binary(), max_size=3))
def test_any_accept_is_answered(values: list[str | bytes]) -> None:
    encoded = [each.encode("latin-1") if isinstance(each, str) else each for each in values]
    assert accepts_json([(b"accept", value) for value in encoded]) in (True, False)
    joined = b", ".join(encoded)
    assert not values or accepts_json([(b"accept", joined)]) is allows_json(b",".join(encoded))


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        (b"*/*", "application/json"),
        (b"application/*", "application/json"),
        (b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        (b"application/x-ndjson", "application/x-ndjson"),
        (b"text/calendar", "text/calendar"),
        (b"TEXT/Calendar; charset=utf-8", "text/calendar"),
        (b"text/*", "text/calendar"),
        (b"text/calendar, */*;q=0.1", "text/calendar"),
        (b"text/calendar, application/json", "application/json"),
        (b"text/calendar;q=0.9, application/json;q=0.8", "text/calendar"),
        (b"text/calendar;q=0.8, application/json;q=0.9", "application/json"),
        (b"application/json;q=0.5, */*", "application/x-ndjson"),
        (b"application/json;q=0, application/*", "application/x-ndjson"),
        (b"application/json;q=0, application/x-ndjson;q=0, */*;q=0.001", "text/calendar"),
        (b"*/*;q=0.1, text/calendar;q=0", "application/json"),
        (b"text/calendar;q=0, text/*", None),
        (b"text/calendar;q=1e3", None),
        (b"image/png", None),
        (b"", None),
    ],
)
def test_of_several_the_highest_weight_wins_and_then_the_order(
    accept: bytes | None, expected: str | None
) -> None:
    assert SEVERAL.choose(accept) == expected


def test_a_long_accept_is_not_kept_in_memory() -> None:
    value = b"text/html, " * 6_000
    before = sys.getrefcount(value)
    assert not allows_json(value)
    assert sys.getrefcount(value) == before


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a, b", ["a", "b"]),
        (" a ,, ,b ", ["a", "b"]),
        ('"a,b", c', ['"a,b"', "c"]),
        ('"a\\",b", c', ['"a\\",b"', "c"]),
        ('"open, a', ['"open, a']),
        ("", []),
    ],
)
def test_commas_within_quotes_part_nothing(value: str, expected: list[str]) -> None:
    assert elements(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a=1; q=0.5", ["a=1", "q=0.5"]),
        ('a="x;y" ;b=","', ['a="x;y"', 'b=","']),
        (" ; ;", []),
    ],
)
def test_semicolons_within_quotes_part_nothing(value: str, expected: list[str]) -> None:
    assert parameters(value) == expected
