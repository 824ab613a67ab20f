"""What a client accepts."""

from __future__ import annotations

import pytest

from microservice_chassis.edge.accept import accepts_json
from microservice_chassis.edge.list_header import elements


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
    ],
)
def test_the_most_specific_range_decides(values: list[bytes], expected: bool) -> None:
    headers = [(b"host", b"localhost"), *((b"accept", value) for value in values)]
    assert accepts_json(headers) is expected


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
