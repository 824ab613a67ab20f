"""Dates and times of day: which are taken, and what is said of those that are not."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microservice_chassis.schema.local_time import calendar_date, local_time
from microservice_chassis.schema.malformed import Malformed

OF_ANOTHER_FORM = "of another form"


@given(st.dates())
def test_every_real_date_is_accepted_as_it_is(value: date) -> None:
    assert calendar_date(value.isoformat()) == value.isoformat()


@given(st.times().map(lambda value: value.replace(microsecond=0)))
def test_every_time_of_day_is_answered_with_seconds(value: time) -> None:
    assert local_time(value.isoformat()) == value.isoformat()
    assert local_time(value.isoformat("minutes")) == value.replace(second=0).isoformat()


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("2027-02-29", "no such day"),
        ("2027-13-01", "no such day"),
        ("2027-00-01", "no such day"),
        ("0000-01-01", "no such day"),
        ("20270501", "basic form"),
        ("2027-W17-6", "week"),
        ("2027W176", "week"),
        ("2027-w17", "week"),
        ("2027-121", "day of the year"),
        ("2027121", "day of the year"),
        ("2027-05-01T00:00", "nothing may follow"),
        ("2027-05-01Z", "nothing may follow"),
        ("2027-5-1", OF_ANOTHER_FORM),
        ("2027-05", OF_ANOTHER_FORM),
        ("12027-05-01", OF_ANOTHER_FORM),
        ("+2027-05-01", OF_ANOTHER_FORM),
        ("01/05/2027", OF_ANOTHER_FORM),
        ("2027-05-01\n", OF_ANOTHER_FORM),
        (" 2027-05-01", OF_ANOTHER_FORM),
        ("٢٠٢٧-٠٥-٠١", OF_ANOTHER_FORM),
        ("２０２７-05-01", OF_ANOTHER_FORM),
        ("now", OF_ANOTHER_FORM),
        ("", OF_ANOTHER_FORM),
        ("2" * 60_000, OF_ANOTHER_FORM),
    ],
)
def test_what_is_no_calendar_date_is_refused_by_its_name(value: str, what: str) -> None:
    with pytest.raises(ValueError, match=what) as caught:
        calendar_date(value)
    assert isinstance(caught.value, Malformed) is (what != OF_ANOTHER_FORM)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("24:00:00", "hours are 00 to 23"),
        ("24:00", "hours are 00 to 23"),
        ("99:00", "hours are 00 to 23"),
        ("20:60", "minutes are 00 to 59"),
        ("23:59:60", "leap second"),
        ("20:00:61", "seconds are 00 to 59"),
        ("T20:00", "without a T"),
        ("t20:00", "without a T"),
        ("20:00:00.5", "fraction"),
        ("20:00:00,5", "fraction"),
        ("20:00.5", "fraction"),
        ("20.5", "fraction"),
        ("20:00Z", "offset"),
        ("20:00z", "offset"),
        ("20:00+01:00", "offset"),
        ("20:00:00-01:00", "offset"),
        ("2000", "basic form"),
        ("200000", "basic form"),
        ("20", "minutes are missing"),
        ("20:00\n", OF_ANOTHER_FORM),
        (" 20:00", OF_ANOTHER_FORM),
        ("8:00", OF_ANOTHER_FORM),
        ("8 pm", OF_ANOTHER_FORM),
        ("20:00:", OF_ANOTHER_FORM),
        ("٢٠:٠٠", OF_ANOTHER_FORM),
        ("２０:00", OF_ANOTHER_FORM),
        ("", OF_ANOTHER_FORM),
    ],
)
def test_what_is_no_time_of_day_is_refused_by_its_name(value: str, what: str) -> None:
    with pytest.raises(ValueError, match=what) as caught:
        local_time(value)
    assert isinstance(caught.value, Malformed) is (what != OF_ANOTHER_FORM)
