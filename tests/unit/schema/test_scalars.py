from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microservice_chassis.schema.scalars import instant, instant_in_milliseconds, line, text

CONTROL = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]


@pytest.mark.parametrize("character", CONTROL)
def test_text_has_no_control_character_but_tab_and_newline(character: str) -> None:
    if character in "\t\n":
        assert text(f"a{character}b{character}") == f"a{character}b{character}"
    else:
        with pytest.raises(ValueError, match="control"):
            text(f"a{character}")


@pytest.mark.parametrize("character", CONTROL)
def test_a_line_has_no_control_character_at_all(character: str) -> None:
    with pytest.raises(ValueError, match="control"):
        line(f"a{character}")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_any_other_text_is_kept_as_it_is(value: str) -> None:
    assert text(value) == line(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2027-05-01T18:00:00Z", "2027-05-01T18:00:00Z"),
        ("2027-05-01T18:00:00", "2027-05-01T18:00:00Z"),
        ("2027-05-01T20:00:00+02:00", "2027-05-01T18:00:00Z"),
        ("2027-05-01T20:00+0200", "2027-05-01T18:00:00Z"),
        ("2027-05-01 18:00:00", "2027-05-01T18:00:00Z"),
        ("20270501T180000Z", "2027-05-01T18:00:00Z"),
        ("2027-W17-6T18:00Z", "2027-05-01T18:00:00Z"),
        ("2027-05-01T18:00:00.000123Z", "2027-05-01T18:00:00.000123Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_an_instant_is_answered_in_utc(value: str, expected: str) -> None:
    assert msgspec.to_builtins(instant(value)) == expected


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_an_instant_with_any_offset_stays_the_same_instant(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    try:
        aware.astimezone(UTC)
    except OverflowError:
        with pytest.raises(ValueError, match="years"):
            instant(aware.isoformat())
    else:
        assert instant(aware.isoformat()) == aware


@pytest.mark.parametrize(
    "value",
    ["2027-05-01", "18:00", "2027-05-01x18:00", "2027-02-30T18:00", "2027-05-01T25:00", "", "now"]
    + [
        "2027-05-01T18:00:00.1234567Z",
        "2027-05-01T18:00:00Z\n",
        "1800000000",
        "2027-05-01T18:00:60Z",
    ],
)
def test_what_is_no_date_and_time_is_refused(value: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        instant(value)


@pytest.mark.parametrize("value", ["0001-01-01T00:00+14:00", "9999-12-31T23:59:59-01:00"])
def test_an_instant_that_cannot_be_written_in_utc_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="years"):
        instant(value)


def test_an_instant_can_be_as_exact_as_a_bson_date() -> None:
    assert instant("2027-05-01T18:00:00.123987Z").microsecond == 123987
    assert instant_in_milliseconds("2027-05-01T18:00:00.123987Z").microsecond == 123000
