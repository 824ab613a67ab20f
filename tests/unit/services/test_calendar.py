"""Events as calendar programs read them, by a parser that has nothing of icalendar."""

from __future__ import annotations

import io
import random
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil import tz
from hypothesis import given
from hypothesis import strategies as st

from events_microservice.models.event import Event
from events_microservice.resources.calendar import Calendar
from events_microservice.resources.time_zone import TimeZone
from microservice_chassis.schema.schema import Schema
from microservice_chassis.storage.codec import Stored
from tests.calendars import ends, events, lines, read, starts_at
from tests.examples import EVENT
from tests.strategies import EVENT_DOCUMENTS

SCHEMA = Schema(Event)
NOTHING: dict[str, Any] = {"place": "", "organizer": "", "topics": " , ", "duration": None}
ID = "65a1b2c3d4e5f60718293a4b"
CREATED_AT = datetime(2026, 11, 1, 12, 30, 15, 678000, tzinfo=UTC)
UPDATED_AT = datetime(2026, 11, 2, 8, 0, 59, tzinfo=UTC)

# Zones on both sides of Greenwich, on both hemispheres, and one whose change is of half an hour.
THREE_ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]


def stored(*, revision: int = 1, **members: Any) -> Stored[Event]:
    """An event as the collection has it; its members may be what only another program writes."""
    values = {"id": ID, "created_at": CREATED_AT, "updated_at": UPDATED_AT}
    event = Event(**{**EVENT, "location": None, **values, **members}).with_derived()
    return Stored(event, revision)


async def calendar_of(*resources: Stored[Event]) -> bytes:
    calendar = Calendar("deployment", "https://example.org/events")
    return await calendar.text([calendar.event(each) for each in resources])


async def check_times(resources: list[Stored[Event]]) -> None:
    """Another program must come to the same instants, to the second."""
    text = await calendar_of(*resources)
    for event, found, resource in zip(events(text), ends(text), resources, strict=True):
        assert starts_at(event) == resource.resource.starts_at
        assert resource.resource.ends_at is not None
        assert abs(found - resource.resource.ends_at) <= timedelta(seconds=0.5)


async def test_a_calendar_says_what_the_event_is() -> None:
    text = await calendar_of(stored(revision=3))
    (event,) = events(text)
    assert event.uid.value == f"{ID}@deployment"
    assert event.url.value == f"https://example.org/events/{ID}"
    assert event.sequence.value == "3"
    assert event.summary.value == EVENT["title"]
    assert event.description.value == EVENT["description"]
    assert event.location.value == EVENT["place"]
    assert event.contact.value == EVENT["organizer"]
    assert event.categories.value == ["jazz", "music"]
    assert event.created.value == CREATED_AT.replace(microsecond=0)
    assert event.dtstamp.value == event.last_modified.value == UPDATED_AT
    assert "organizer" not in event.contents  # it would have to be an address
    assert "method" not in read(text).contents


async def test_what_an_event_does_not_have_is_left_out() -> None:
    (event,) = events(await calendar_of(stored(**NOTHING)))
    given = {"uid", "dtstamp", "created", "last-modified", "sequence", "url", "dtstart"}
    assert set(event.contents) == given | {"summary", "description"}


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (52.52, 13.405, "52.520000;13.405000"),
        (-90, 180, "-90.000000;180.000000"),
        (1e-5, -1e-05, "0.000010;-0.000010"),
    ],
)
async def test_a_position_is_written_without_an_exponent(
    latitude: float, longitude: float, expected: str
) -> None:
    document = {**EVENT, "location": {"latitude": latitude, "longitude": longitude}}
    location = SCHEMA.parse(document).location
    (event,) = events(await calendar_of(stored(location=location)))
    assert event.geo.value == expected


@pytest.mark.parametrize("timezone", THREE_ZONES)
@pytest.mark.parametrize("duration", [None, "PT2H", "P1D", "P1DT3H", "P7D", "P1.5D"])
async def test_times_are_right_around_each_change_of_the_clocks(
    timezone: str, duration: str | None
) -> None:
    """In the gap and in the overlap too, and where days lead into them."""
    zone = ZoneInfo(timezone)
    days = [datetime(2027, 1, 1, 12, tzinfo=zone) + timedelta(days=each) for each in range(365)]
    changes = [day for day in days if day.utcoffset() != (day - timedelta(days=1)).utcoffset()]
    assert len(changes) == 2
    midnights = [day.replace(hour=0, tzinfo=None) for day in changes]
    before = [midnight - timedelta(days=each) for midnight in midnights for each in (0, 1, 7)]
    locals_ = [day + timedelta(minutes=each) for day in before for each in range(0, 300, 20)]
    schedules = [local.isoformat().split("T") for local in locals_]
    await check_times(
        [
            stored(date=date, time=time, timezone=timezone, duration=duration)
            for date, time in schedules
        ]
    )


@pytest.mark.parametrize(
    ("timezone", "date", "time", "shown"),
    [
        ("Europe/Berlin", "2027-03-28", "02:30:00", "20270328T033000"),
        ("America/New_York", "2027-03-14", "02:30:00", "20270314T033000"),
        ("Australia/Lord_Howe", "2027-10-03", "02:10:00", "20271003T024000"),
        ("Europe/Berlin", "2027-10-31", "02:30:00", "20271031T023000"),
        ("America/New_York", "2027-11-07", "01:30:00", "20271107T013000"),
        ("Australia/Lord_Howe", "2027-04-04", "01:45:00", "20270404T014500"),
    ],
)
async def test_a_time_that_is_skipped_is_shown_as_the_one_that_it_stands_for(
    timezone: str, date: str, time: str, shown: str
) -> None:
    text = await calendar_of(stored(timezone=timezone, date=date, time=time))
    assert f"DTSTART;TZID={timezone}:{shown}" in lines(text)


async def test_a_time_in_utc_needs_no_zone() -> None:
    text = await calendar_of(stored(timezone="UTC"))
    assert "DTSTART:20270501T200000Z" in lines(text)
    assert "BEGIN:VTIMEZONE" not in lines(text)


async def test_the_rules_of_a_zone_are_those_of_the_years_that_the_events_are_in() -> None:
    """Germany changed the clocks in 1945 as never again, and in 1960 not at all."""
    dates = ("1945-06-15", "1960-07-01", "2026-12-31", "2027-07-01")
    resources = [stored(date=date) for date in dates]
    text = await calendar_of(*resources)
    assert lines(text).count("BEGIN:VTIMEZONE") == 1
    for event, resource in zip(events(text), resources, strict=True):
        assert starts_at(event) == resource.resource.starts_at


def test_every_zone_is_written_so_that_another_program_finds_the_same_offsets() -> None:
    names = files("tzdata").joinpath("zones").read_text().split()
    dice = random.Random(11)
    for name in set(names) - {"Factory"}:
        zone = TimeZone(name)
        zone.cover([2027])
        read_again = tz.tzical(io.StringIO(zone.text().decode())).get()
        for _ in range(10):
            instant = datetime(2027, 1, 2, tzinfo=UTC) + timedelta(days=dice.random() * 363)
            local = instant.astimezone(ZoneInfo(name))
            again = local.replace(tzinfo=read_again)
            assert local.fold or again.utcoffset() == local.utcoffset(), (name, instant)


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        ("PT0S", "PT0S"),
        ("PT36H", "PT36H"),
        ("P1DT12H", "P1DT12H"),
        ("P1W", "P7D"),
        ("P0.5W", "PT84H"),
        ("PT1.5H", "PT1H30M"),
        ("PT90M", "PT1H30M"),
        ("PT0,4S", "PT0S"),
        ("PT59.6S", "PT1M"),
        ("P0D", "PT0S"),
        ("P31D", "P31D"),
    ],
)
async def test_a_duration_has_no_fraction_and_its_days_are_those_of_the_calendar(
    duration: str, expected: str
) -> None:
    assert f"DURATION:{expected}" in lines(await calendar_of(stored(duration=duration)))


TEXTS = {name: st.text(max_size=300) for name in ("title", "place", "organizer", "description")}


@given(st.fixed_dictionaries({}, optional=TEXTS))
async def test_any_text_comes_back_but_for_its_control_characters(texts: dict[str, Any]) -> None:
    text = await calendar_of(stored(**texts))
    names = {"title": "summary", "place": "location", "organizer": "contact"}
    (event,) = events(text)
    for member, given_ in texts.items():
        expected = given_.replace("\r\n", "\n").replace("\r", "\n")
        expected = "".join(each for each in expected if each in "\t\n" or not is_control(each))
        if expected:
            assert event.contents[names.get(member, member)][0].value == expected


def is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"


@pytest.mark.parametrize(
    "value", ["C:\\New\\nothing", "a;b,c", '"x":y', "\\", "^n", "x\u2028y", "e\u0301" * 60]
)
async def test_nothing_in_a_text_is_taken_for_syntax(value: str) -> None:
    (event,) = events(await calendar_of(stored(title=value, topics=f"{value.replace(',', '')},b")))
    assert event.summary.value == value
    assert event.categories.value == [value.replace(",", ""), "b"]


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize(
    "date", ["0001-01-01", "0001-12-31", "1582-10-10", "9999-01-01", "9999-12-31"]
)
@pytest.mark.parametrize("duration", [None, "P31D", "PT1H"])
async def test_no_year_is_too_early_or_too_late(
    timezone: str, date: str, duration: str | None
) -> None:
    for time in ("00:00:00", "12:00:00", "23:59:59"):
        resource = stored(timezone=timezone, date=date, time=time, duration=duration)
        instant = resource.resource.starts_at
        assert instant is not None
        text = lines(await calendar_of(resource))
        (line,) = [each for each in text[text.index("BEGIN:VEVENT") :] if "DTSTART" in each]
        shown = datetime.strptime(line.rpartition(":")[2][:15], "%Y%m%dT%H%M%S")
        zone = UTC if line.endswith("Z") else ZoneInfo(timezone)
        assert shown == instant.astimezone(zone).replace(tzinfo=None)


@given(EVENT_DOCUMENTS)
async def test_what_is_a_valid_event_is_a_valid_calendar(document: dict[str, Any]) -> None:
    event = SCHEMA.parse(document)
    values = {name: getattr(event, name) for name in SCHEMA.writable}
    (parsed,) = events(await calendar_of(stored(**values)))
    assert parsed.dtstart.value


@pytest.mark.parametrize(("revision", "sequence"), [(0, 0), (1, 1), (1 << 40, (1 << 31) - 1)])
async def test_the_sequence_is_the_revision_as_far_as_a_calendar_can_count(
    revision: int, sequence: int
) -> None:
    (event,) = events(await calendar_of(stored(revision=revision)))
    assert event.sequence.value == str(sequence)


async def test_a_calendar_without_events_is_valid_nevertheless() -> None:
    """RFC 5545, section 3.6: there is one component at least."""
    calendar = read(await calendar_of())
    assert set(calendar.contents) == {"prodid", "version", "vtimezone"}
