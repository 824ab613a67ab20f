from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events_microservice.models.schedule import (
    calendar_date,
    duration,
    instants,
    local_time,
    timezone,
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(st.dates())
def test_every_real_date_is_accepted_as_it_is(value: date) -> None:
    assert calendar_date(value.isoformat()) == value.isoformat()


@pytest.mark.parametrize(
    "value",
    ["2027-02-29", "2027-13-01", "0000-01-01", "20270501", "2027-W17-6", "2027-5-1", "", "now"]
    + ["2027-05-01\n", " 2027-05-01", "2027-05-01T00:00", "٢٠٢٧-٠٥-٠١"],
)
def test_what_is_no_calendar_date_is_refused(value: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # what it says is for no reader
        calendar_date(value)


@given(st.times().map(lambda value: value.replace(microsecond=0)))
def test_every_time_of_day_is_answered_with_seconds(value: time) -> None:
    assert local_time(value.isoformat()) == value.isoformat()
    assert local_time(value.isoformat("minutes")) == value.replace(second=0).isoformat()


@pytest.mark.parametrize(
    "value",
    [
        "24:00:00",
        "20:60",
        "20",
        "20:00:00.5",
        "20:00Z",
        "20:00+01:00",
        "20:00\n",
        "8:00",
        "",
        "٢٠:٠٠",
    ],
)
def test_what_is_no_time_of_day_is_refused(value: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        local_time(value)


@pytest.mark.parametrize("value", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia"])
def test_iana_names_are_time_zones(value: str) -> None:
    assert timezone(value) == value


@pytest.mark.parametrize(
    "value", ["", "Europe", "europe/berlin", "../etc/passwd", "+02:00", "a\0b"]
)
def test_other_names_are_not(value: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        timezone(value)


@pytest.mark.parametrize(
    "value",
    ["PT0S", "PT2H", "PT90M", "P1W", "P31D", "P1DT12H30M5S", "PT1.5H", "PT0,5S", "P30DT24H", "P4W"],
)
def test_durations_up_to_31_days_are_kept_as_sent(value: str) -> None:
    assert duration(value) == value


@pytest.mark.parametrize(
    "value",
    ["P31DT1S", "P5W", "P32D", "PT9999999H", "P1M", "P1Y", "P", "PT", "P1DT", "-PT1H", "PT1.5H2M"]
    + ["pt2h", "2H", "P1H", "PT2H\n", "", "P1W2D", "PT12345678S", "P1.5DT2H"],
)
def test_other_durations_are_refused(value: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        duration(value)


def test_an_event_starts_at_the_instant_of_its_local_time() -> None:
    found = instants("2027-05-01", "20:00:00", "Europe/Berlin", None)
    assert found == (utc("2027-05-01T18:00"), utc("2027-05-01T18:00"))


def test_it_ends_when_its_duration_is_over() -> None:
    assert instants("2027-05-01", "20:00:00", "UTC", "PT1.5H").ends_at == utc("2027-05-01T21:30")


def test_days_of_a_duration_are_days_of_the_calendar_and_hours_are_exact() -> None:
    # Berlin's clocks go forward on 2027-03-28 at 02:00.
    day = instants("2027-03-27", "20:00:00", "Europe/Berlin", "P1D")
    hours = instants("2027-03-27", "20:00:00", "Europe/Berlin", "PT24H")
    assert day.ends_at - day.starts_at == timedelta(hours=23)
    assert hours.ends_at - hours.starts_at == timedelta(hours=24)


def test_a_local_time_that_occurs_twice_is_the_first() -> None:
    found = instants("2027-10-31", "02:30:00", "Europe/Berlin", None)
    assert found.starts_at == utc("2027-10-31T00:30")


def test_a_local_time_that_is_skipped_is_read_with_the_offset_before() -> None:
    found = instants("2027-03-28", "02:30:00", "Europe/Berlin", None)
    assert found.starts_at == utc("2027-03-28T01:30")


def test_an_instant_that_cannot_be_written_is_the_nearest_that_can() -> None:
    last = instants("9999-12-31", "23:00:00", "America/New_York", "P31D")
    assert last == (utc("9999-12-31T23:59:59"), utc("9999-12-31T23:59:59"))
    first = instants("0001-01-01", "00:00:00", "Asia/Tokyo", None)
    assert first.starts_at == utc("0001-01-01T00:00:00")


@given(
    st.dates(),
    st.times().map(lambda value: value.replace(microsecond=0)),
    st.sampled_from(["UTC", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago"]),
    st.sampled_from([None, "P31D", "P30DT23H59M59S", "PT0S"]),
)
def test_every_valid_schedule_has_instants_in_their_order(
    day: date, hour: time, zone: str, length: str | None
) -> None:
    found = instants(day.isoformat(), hour.isoformat(), zone, length)
    assert found.starts_at <= found.ends_at <= found.starts_at + timedelta(days=31, hours=2)


def test_nothing_ends_before_it_starts_where_the_clocks_skip_an_hour() -> None:
    # New York's clocks go from 02:00 to 03:00 on 2027-03-14; 14 minutes behind 02:50 is 03:04.
    found = instants("2027-03-14", "02:50:00", "America/New_York", "P0.01D")
    assert found == (utc("2027-03-14T07:50"), utc("2027-03-14T07:50"))


@pytest.mark.parametrize("zone", ["Mars", "", "Europe", "../etc/passwd", "a\0b"])
def test_instants_of_an_unknown_zone_are_refused(zone: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        instants("2027-05-01", "20:00:00", zone, None)
