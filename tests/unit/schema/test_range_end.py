from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from microservice_chassis.schema.malformed import Malformed
from microservice_chassis.schema.range_end import RangeEnd, range_end

NOW = datetime(2027, 5, 1, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2027-05-01", RangeEnd(day=date(2027, 5, 1))),
        ("2027-05-01T18:00:00Z", RangeEnd(instant=datetime(2027, 5, 1, 18, tzinfo=UTC))),
        ("2027-05-01T18:00+02:00", RangeEnd(instant=datetime(2027, 5, 1, 16, tzinfo=UTC))),
        ("now", RangeEnd(instant=NOW)),
        ("today", RangeEnd(day=date(2027, 5, 2))),
    ],
)
def test_an_end_is_a_day_or_an_instant(text: str, meant: RangeEnd) -> None:
    assert range_end(text).at(NOW, "Europe/Berlin") == meant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2027-02-30", "no such day"),
        ("20270501", "basic form"),
        ("2027-05-01T10:00:00 02:00", "%2B"),
        ("2027-05-01T10", "minutes are missing"),
    ],
)
def test_what_is_none_is_refused_by_name(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        range_end(text)


@pytest.mark.parametrize("text", ["", "tomorrow", "Now", "2027-5-1"])
def test_what_has_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        range_end(text)
