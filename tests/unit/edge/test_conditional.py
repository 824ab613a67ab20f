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
        ('"x, \\"a\\"", "c"', False),
        ('"x\\", "a"', True),
        ('"x\\","a"', True),
        ('"x,", "a"', True),
        ('"x", W/"a", "y"', True),
        ('w/"a"', False),
        ('W/ "a', False),
        ('x"a"', False),
        ('"a', False),
        ('"b, "a"', False),
        (',,"a",', True),
        ('\t"a"\t', True),
        ('"\xff", "a"', True),
    ],
)
def test_if_none_match(header: str, expected: bool) -> None:
    assert not_modified(header.encode("latin-1"), b'"a"') is expected
