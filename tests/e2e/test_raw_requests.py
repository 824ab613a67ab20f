"""Each row of the table of raw requests, in one piece and byte by byte."""

from __future__ import annotations

import json

import pytest

from tests.e2e.connections import Answer, parse, say
from tests.e2e.raw_requests import TABLE, Row
from tests.services import Service

ROWS = [
    pytest.param(row, id=f"{about}: {row.name}") for about, rows in TABLE.items() for row in rows
]

# Longer ones are cut into larger pieces.
_MOST_PIECES = 500


def check(answer: Answer, expected: str, *, head_only: bool) -> None:
    status, _, words = expected.partition(" ")
    assert answer.status == int(status), answer
    assert "x-request-id" in answer.headers
    if answer.status < 400:
        return
    assert answer.headers["content-type"] == "application/problem+json"
    if head_only:
        assert answer.body == b""
    else:
        problem = json.loads(answer.body)
        assert problem["status"] == answer.status
        assert words in problem["detail"]


@pytest.mark.parametrize("row", ROWS)
def test_a_raw_request_is_answered_as_the_table_says(events: Service, row: Row) -> None:
    head_only = row.request.startswith(b"HEAD ")
    for piece in (len(row.request) + 1, len(row.request) // _MOST_PIECES + 1):
        answers = parse(say(events, row.request, piece), head_only=head_only)
        assert len(answers) == len(row.answers), answers
        for answer, expected in zip(answers, row.answers, strict=True):
            check(answer, expected, head_only=head_only)


def test_the_table_is_as_long_as_it_claims() -> None:
    assert len(ROWS) >= 150
