from __future__ import annotations

import pytest

from microservice_chassis.edge.conditional import not_modified


@pytest.mark.parametrize(
    ("header", "expected"),
    [
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
        ('"b,\\"a\\"", "c"', False),
        ('"x,y" , "a"', True),
    ],
)
def test_if_none_match(header: str, expected: bool) -> None:
    assert not_modified(header.encode(), b'"a"') is expected
