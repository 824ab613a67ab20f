from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events_microservice.models.schedule import duration, instants, timezone
from microservice_chassis.schema.malformed import Malformed

PROJECT = Path(__file__).parents[3]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "US/Pacific", "EST", "Etc/GMT+5"]
)
def test_iana_names_are_time_zones(value: str) -> None:
    assert timezone(value) == value


@pytest.mark.parametrize(
    "value",
    ["", "Europe", "europe/berlin", "../etc/passwd", "+02:00", "a\0b", "Mars/Olympus", "UTC\n"]
    + ["localtime", "posixrules", "Factory", "posix/UTC", "right/UTC", "leapseconds", "tzdata.zi"],
)
def test_other_names_are_not_nor_those_that_differ_from_machine_to_machine(value: str) -> None:
    with pytest.raises(Malformed, match="IANA"):
        timezone(value)


def test_every_zone_has_instants() -> None:
    names = files("tzdata").joinpath("zones").read_text().split()
    assert len(names) > 500
    for name in set(names) - {"Factory"}:
        assert instants("2027-05-01", "20:00:00", timezone(name), None)


@pytest.mark.parametrize(
    "value",
    ["PT0S", "PT2H", "PT90M", "P1W", "P31D", "P1DT12H30M5S", "PT1.5H", "PT0,5S", "P30DT24H", "P4W"],
)
def test_durations_up_to_31_days_are_kept_as_sent(value: str) -> None:
    assert duration(value) == value


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("P31DT1S", "longer than 31 days"),
        ("P31DT0.000001S", "longer than 31 days"),
        ("P5W", "longer than 31 days"),
        ("P32D", "longer than 31 days"),
        ("PT9999999H", "longer than 31 days"),
        ("P1M", "years and months"),
        ("P1Y", "years and months"),
        ("P0.5Y", "years and months"),
        ("P1Y2M3DT4H", "years and months"),
        ("P0001-00-00T00:00:00", "years and months"),
        ("-PT1H", "negative"),
        ("PT1.5H2M", "only its last number"),
        ("P1.5DT2H", "only its last number"),
        ("P1W2D", "nothing may follow the weeks"),
        ("P1WT1H", "nothing may follow the weeks"),
        ("pt2h", "capitals"),
        ("PT2h", "capitals"),
        ("PT0.1234567S", "up to 6 digits"),
    ],
)
def test_a_duration_that_is_refused_is_named(value: str, what: str) -> None:
    with pytest.raises(Malformed, match=what):
        duration(value)


@pytest.mark.parametrize(
    "value", ["P", "PT", "P1DT", "2H", "P1H", "PT2H\n", "", "PT12345678S", "PT٢H", "two hours"]
)
def test_what_is_no_duration_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="of another form"):
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


# In a process that has opened no zone yet.
WITHOUT_FILES = """
from events_microservice.models.schedule import instants
from tests.open_files import none_left

def hour():
    return instants("2027-05-01", "20:00:00", "Asia/Kathmandu", None).starts_at.hour

with none_left():
    try:
        hour()
    except OSError as error:
        print(error.strerror)
print(hour())
with none_left():
    print(instants("2028-05-01", "20:00:00", "Asia/Kathmandu", None).starts_at.hour)
"""


def test_a_zone_is_opened_once_and_exists_though_no_file_can_be_opened() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_FILES], cwd=PROJECT, capture_output=True, text=True
    )
    assert (ended.stdout.splitlines(), ended.stderr) == (["Too many open files", "14", "14"], "")
