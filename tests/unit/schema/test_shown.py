from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from microservice_chassis.schema.shown import shortened, shown
from tests.strategies import JSON


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("tomorrow", '"tomorrow"'),
        (7, "7"),
        (None, "null"),
        ({"a": [True, 1.5]}, '{"a": [true, 1.5]}'),
        ("é\0", '"é\\u0000"'),
        ("x" * 60_000, f'"{"x" * 39}… (60000 characters)'),
        ([1] * 30, "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, …"),
        (10**4299, "1" + "0" * 39 + "…"),
    ],
)
def test_a_value_is_shown_as_it_was_written_but_shortened(value: Any, expected: str) -> None:
    assert shown(value) == expected


def test_a_value_of_any_depth_is_shown() -> None:
    value: Any = 1
    for _ in range(5000):
        value = [value]
    assert shown(value) == "[" * 40 + "…"


@given(JSON)
def test_no_value_is_shown_at_length(value: Any) -> None:
    assert len(shown(value)) <= 41 + len(" (60000 characters)")


def test_a_short_text_is_not_shortened() -> None:
    assert shortened("x" * 40) == "x" * 40
    assert shortened("x" * 41) == "x" * 40 + "…"
