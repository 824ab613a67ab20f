from __future__ import annotations

import pytest

from microservice_chassis.conditional import not_modified


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b",W/"a"', True),
        ("*", True),
        (" * ", True),
        ('"b"', False),
        ("", False),
        ("a", False),
        ('"b", *', False),
    ],
)
def test_if_none_match(header: str | None, expected: bool) -> None:
    assert not_modified(header, '"a"') is expected
