"""Timestamps: which are taken as which instant, and what is said of those that are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microservice_chassis.schema.malformed import Malformed
from microservice_chassis.schema.scalars import in_milliseconds
from microservice_chassis.schema.timestamp import earlier_timestamp, timestamp

OF_ANOTHER_FORM = "of another form"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2027-05-01T18:00:00Z", "2027-05-01T18:00:00Z"),
        ("2027-05-01t18:00:00z", "2027-05-01T18:00:00Z"),
        ("2027-05-01 18:00:00", "2027-05-01T18:00:00Z"),
        ("2027-05-01T18:00", "2027-05-01T18:00:00Z"),
        ("2027-05-01T18:00Z", "2027-05-01T18:00:00Z"),
        ("2027-05-01T20:00:00+02:00", "2027-05-01T18:00:00Z"),
        ("2027-05-01T20:00+02:00", "2027-05-01T18:00:00Z"),
        ("2027-05-01T18:00:00-00:00", "2027-05-01T18:00:00Z"),
        ("2027-05-01T18:00:00+23:59", "2027-04-30T18:01:00Z"),
        ("2027-05-01T18:00:00-23:59", "2027-05-02T17:59:00Z"),
        ("2027-05-01T18:00:00.1Z", "2027-05-01T18:00:00.100000Z"),
        ("2027-05-01T18:00:00.12+00:00", "2027-05-01T18:00:00.120000Z"),
        ("2027-05-01T18:00:00.123456789Z", "2027-05-01T18:00:00.123000Z"),
        ("2027-05-01T18:00:00.999999999Z", "2027-05-01T18:00:00.999000Z"),
        ("2027-05-01T18:00:00.000000001", "2027-05-01T18:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_a_timestamp_is_answered_in_utc_and_in_milliseconds(value: str, expected: str) -> None:
    assert msgspec.to_builtins(timestamp(value)) == expected


@given(st.datetimes(), st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_a_timestamp_with_any_offset_stays_the_same_instant(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    try:
        expected = in_milliseconds(aware.astimezone(UTC))
    except OverflowError:
        with pytest.raises(Malformed, match="years"):
            timestamp(aware.isoformat())
    else:
        assert timestamp(aware.isoformat()) == expected


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("2027-05-01T14.5Z", "only the seconds may have a fraction"),
        ("2027-05-01T14,5Z", "only the seconds may have a fraction"),
        ("2027-05-01T14:00.5Z", "only the seconds may have a fraction"),
        ("2027-05-01T18:00:00,5Z", "begins with a point"),
        ("2027-05-01T18:00:00.Z", "1 to 9 digits"),
        ("2027-05-01T18:00:00.1234567890Z", "1 to 9 digits"),
        ("2027-05-01T18:00:00+02:99", "offset is up to 23:59"),
        ("2027-05-01T18:00:00+02:60", "offset is up to 23:59"),
        ("2027-05-01T18:00:00+24:00", "offset is up to 23:59"),
        ("2027-05-01T18:00:00-99:00", "offset is up to 23:59"),
        ("2027-05-01T18:00:00+0200", "written like"),
        ("2027-05-01T18:00:00+02", "written like"),
        ("2027-05-01T18:00:00+2:00", "written like"),
        ("2027-05-01T18:00:00+02:00:30", "written like"),
        ("2027-06-30T23:59:60Z", "leap second"),
        ("2027-06-30T23:59:60.5Z", "leap second"),
        ("2027-06-30T23:59:61Z", "seconds are 00 to 59"),
        ("2027-05-01T24:00:00Z", "hours are 00 to 23"),
        ("2027-05-01T25:00", "hours are 00 to 23"),
        ("2027-05-01T18:60", "minutes are 00 to 59"),
        ("2027-W17-6T18:00:00Z", "week"),
        ("2027W176T180000Z", "week"),
        ("2027-121T18:00:00Z", "day of the year"),
        ("20270501T180000Z", "basic form"),
        ("20270501", "basic form"),
        ("2027-05-01T180000Z", "basic form"),
        ("2027-05-01T18Z", "minutes are missing"),
        ("2027-05-01", "time of day is missing"),
        ("2027-05-01x18:00", "a T between date and time is missing"),
        ("2027-02-30T18:00", "no such day"),
        ("0000-01-01T00:00", "no such day"),
        ("0001-01-01T00:00+14:00", "years 1 to 9999"),
        ("9999-12-31T23:59:59-01:00", "years 1 to 9999"),
        ("2027-05-01T18:00:00ZZ", OF_ANOTHER_FORM),
        ("2027-05-01T18:00:00Z\n", OF_ANOTHER_FORM),
        ("2027-05-01T18:00:00 Z", OF_ANOTHER_FORM),
        ("2027-05-01T18:00:00 +02:00", OF_ANOTHER_FORM),
        ("2027-05-01T18:00:00−02:00", OF_ANOTHER_FORM),
        ("2027-05-01  18:00", OF_ANOTHER_FORM),
        ("2027-05-01T", OF_ANOTHER_FORM),
        ("２０２７-05-01T18:00", OF_ANOTHER_FORM),
        ("2027-05-01T١٨:00", OF_ANOTHER_FORM),
        ("18:00", OF_ANOTHER_FORM),
        ("1800000000", OF_ANOTHER_FORM),
        ("Sat, 01 May 2027 18:00:00 GMT", OF_ANOTHER_FORM),
        ("now", OF_ANOTHER_FORM),
        ("", OF_ANOTHER_FORM),
        ("T" * 60_000, OF_ANOTHER_FORM),
    ],
)
def test_what_is_no_timestamp_is_refused_by_its_name(value: str, what: str) -> None:
    with pytest.raises(ValueError, match=what) as caught:
        timestamp(value)
    assert isinstance(caught.value, Malformed) is (what != OF_ANOTHER_FORM)


@given(st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.,Zz+-]{0,20}"))
def test_any_text_is_a_timestamp_or_refused(value: str) -> None:
    try:
        assert timestamp(value).tzinfo is UTC
    except ValueError as error:
        assert isinstance(error, Malformed) or str(error) == OF_ANOTHER_FORM


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2019-06-01 17:30:00", "2019-06-01T17:30:00Z"),
        ("2027-05-01T20:00+0200", "2027-05-01T18:00:00Z"),
        ("20270501T180000Z", "2027-05-01T18:00:00Z"),
        ("2027-W17-6T18:00Z", "2027-05-01T18:00:00Z"),
        ("2027-05-01T18:00:00.000123Z", "2027-05-01T18:00:00.000123Z"),
        ("2027-05-01T18:00:00.123987Z", "2027-05-01T18:00:00.123987Z"),
    ],
)
def test_what_earlier_versions_have_kept_is_read_as_they_read_it(value: str, expected: str) -> None:
    assert msgspec.to_builtins(earlier_timestamp(value)) == expected


@pytest.mark.parametrize(
    "value",
    ["2027-05-01", "18:00", "2027-05-01x18:00", "2027-02-30T18:00", "2027-05-01T25:00", "", "now"]
    + ["2027-05-01T18:00:00.1234567Z", "2027-05-01T18:00:00Z\n", "1800000000"]
    + ["2027-05-01T18:00:60Z", "0001-01-01T00:00+14:00", "9999-12-31T23:59:59-01:00"],
)
def test_what_earlier_versions_have_not_accepted_is_not_read(value: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # what it says is for no reader
        earlier_timestamp(value)
