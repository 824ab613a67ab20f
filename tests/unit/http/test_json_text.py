"""Which bytes are JSON, and what is said of those that are not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microservice_chassis.http.json_text import parse_json
from microservice_chassis.schema.malformed import Malformed
from tests.strategies import json_texts

TOKENS = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        '"a"',
        "1",
        "-",
        "0",
        ".",
        "e",
        "+",
        "1e400",
        "true",
        "null",
    ]
    + [
        "NaN",
        "Infinity",
        "-Infinity",
        "\\",
        "\\u",
        "\\ud800",
        "\\udc00",
        "é",
        "😀",
        "\0",
        "\n",
        "\ufeff",
    ]
)
HALF_OF_A_PAIR = "a string has half of a surrogate pair"


@given(st.lists(TOKENS).map(lambda tokens: "".join(tokens).encode()) | json_texts() | st.binary())
def test_any_bytes_are_a_value_of_json_or_refused(text: bytes) -> None:
    try:
        value = parse_json(text)
    except Malformed as error:
        if str(error) == HALF_OF_A_PAIR:
            with pytest.raises(UnicodeEncodeError):
                json.dumps(json.loads(text), ensure_ascii=False).encode()
        else:
            assert str(error).startswith(("it ", "the number ", "NaN ", "Infinity ", "-Infinity "))
    else:
        assert value == json.loads(text)


@pytest.mark.parametrize("text", [b"1" * 4301, b"-" + b"1" * 4300, b"[" + b"9" * 60_000])
def test_a_number_of_too_many_digits_is_named(text: bytes) -> None:
    with pytest.raises(Malformed, match="is longer than 4300 characters"):
        parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        b'"\\ud83d\\ude00"',
        b' {"a" : [1, -0.5e-3, true, null]}\r\n',
        b"1" * 4300,
        b"-" + b"1" * 4299,
        b"1e308",
        b"1e-400",
    ],
)
def test_what_can_be_kept_is_read(text: bytes) -> None:
    assert parse_json(text) == json.loads(text)
