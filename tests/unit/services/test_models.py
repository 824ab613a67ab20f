"""What each member of an event and a notification may be, through the schema that applies it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events_microservice.models.event import Event, Location
from microservice_chassis.errors import InvalidResource
from microservice_chassis.schema.schema import Schema
from microservice_chassis.schema.timestamp import timestamp
from notifications_microservice.models.notification import Notification
from tests.examples import EVENT, NOTIFICATION
from tests.strategies import EVENT_DOCUMENTS, JSON, NOTIFICATION_DOCUMENTS

EVENTS = Schema(Event)
NOTIFICATIONS = Schema(Notification)


@given(EVENT_DOCUMENTS)
def test_every_accepted_event_comes_back_equal(document: dict[str, Any]) -> None:
    found = msgspec.to_builtins(EVENTS.parse(document))
    assert {name: found[name] for name in document} == document


@given(NOTIFICATION_DOCUMENTS)
def test_every_accepted_notification_comes_back_equal(document: dict[str, Any]) -> None:
    found = msgspec.to_builtins(NOTIFICATIONS.parse(document))
    moment = timestamp(document["scheduled_time"])
    expected = {**document, "scheduled_time": msgspec.to_builtins(moment)}
    assert {name: found[name] for name in document} == expected


@given(st.sampled_from([EVENTS, NOTIFICATIONS]), st.dictionaries(st.text(), JSON), st.data())
def test_whatever_else_comes_is_refused_and_nothing_more(
    schema: Schema[Any], document: dict[str, Any], data: st.DataObject
) -> None:
    for name in data.draw(st.sets(st.sampled_from(sorted(schema.writable)))):
        document[name] = data.draw(JSON)
    for parse in (schema.parse, schema.parse_patch):
        try:
            parse(document)
        except InvalidResource as error:
            assert error.broken_rules


def parsed(schema: Schema[Any], document: dict[str, Any]) -> Any:
    """The model that a document describes, or which rules it breaks."""
    try:
        return schema.parse(document)
    except InvalidResource as error:
        return error.broken_rules


@given(
    st.sampled_from([(EVENTS, EVENT_DOCUMENTS), (NOTIFICATIONS, NOTIFICATION_DOCUMENTS)]),
    st.data(),
)
def test_a_document_that_is_checked_at_once_is_what_it_is_member_by_member(
    kind: tuple[Schema[Any], st.SearchStrategy[dict[str, Any]]], data: st.DataObject
) -> None:
    """One with a read-only member is checked member by member, and that member ignored."""
    schema, documents = kind
    document = data.draw(documents)
    for name in data.draw(st.sets(st.sampled_from([*schema.writable, "location"]), max_size=2)):
        nested = st.fixed_dictionaries({"latitude": JSON, "longitude": st.floats(-90, 90)})
        document[name] = data.draw(JSON | nested)
    assert parsed(schema, document) == parsed(schema, {**document, "id": "x"})


def test_members_that_may_be_missing_have_their_defaults() -> None:
    required = {name: EVENT[name] for name in ("title", "description", "date", "time")}
    event = EVENTS.parse(required)
    assert (event.place, event.organizer, event.topics) == ("", "", "")
    assert (event.timezone, event.duration, event.location) == ("UTC", None, None)
    assert NOTIFICATIONS.parse(NOTIFICATION).status == "pending"


def test_the_default_time_zone_is_a_setting() -> None:
    schema = Schema(Event, {"timezone": "Asia/Tokyo"})
    document = {name: value for name, value in EVENT.items() if name != "timezone"}
    assert schema.parse(document).timezone == "Asia/Tokyo"


LIMITS = [
    (EVENTS, EVENT, "title", 1, 60),
    (EVENTS, EVENT, "description", 20, 400),
    (EVENTS, EVENT, "place", 0, 100),
    (EVENTS, EVENT, "organizer", 0, 50),
    (EVENTS, EVENT, "topics", 0, 50),
    (NOTIFICATIONS, NOTIFICATION, "subject", 10, 70),
    (NOTIFICATIONS, NOTIFICATION, "content", 30, 700),
]


@pytest.mark.parametrize(("schema", "example", "member", "least", "most"), LIMITS)
def test_the_limits_of_a_text_count_characters(
    schema: Schema[Any], example: dict[str, Any], member: str, least: int, most: int
) -> None:
    for length in (least, most):
        schema.parse({**example, member: "😀" * length})
    for length in ({least - 1} - {-1}) | {most + 1}:
        assert pointers(schema, {**example, member: "😀" * length}) == [f"/{member}"]


def pointers(schema: Schema[Any], document: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidResource) as caught:
        schema.parse(document)
    return [rule.pointer for rule in caught.value.broken_rules]


@pytest.mark.parametrize("member", ["subject", "to_mail"])
@pytest.mark.parametrize("character", ["\r", "\n", "\0", "\t", "\x85", "\u2028", "\u2029"])
def test_no_mail_header_can_be_injected(member: str, character: str) -> None:
    value = NOTIFICATION[member] + character + "Bcc: all@example.com"
    assert pointers(NOTIFICATIONS, {**NOTIFICATION, member: value}) == [f"/{member}"]


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ({"latitude": 91, "longitude": 0}, ["/location/latitude"]),
        ({"latitude": -90.1, "longitude": 180.1}, ["/location/latitude", "/location/longitude"]),
        ({"latitude": 1}, ["/location/longitude"]),
        ({"latitude": True, "longitude": "0"}, ["/location/latitude", "/location/longitude"]),
        ({"latitude": 1, "longitude": 1, "height": 1}, ["/location/height"]),
        ([1, 1], ["/location"]),
        ("here", ["/location"]),
    ],
)
def test_what_is_wrong_in_a_location_is_named(location: object, expected: list[str]) -> None:
    assert pointers(EVENTS, {**EVENT, "location": location}) == expected


def test_all_broken_rules_are_listed_at_once() -> None:
    document = {**EVENT, "title": "", "date": "2027-02-30", "timezone": "Mars", "a/b~c": 1}
    del document["description"]
    found = pointers(EVENTS, document)
    assert found == ["/title", "/date", "/timezone", "/a~1b~0c", "/description"]


def test_a_broken_rule_says_what_would_be_right_and_repeats_little() -> None:
    with pytest.raises(InvalidResource) as caught:
        EVENTS.parse({**EVENT, "title": "x" * 5000})
    (rule,) = caught.value.broken_rules
    assert rule.detail.startswith("must be 1 to 60 characters")
    assert "5000 characters" in rule.detail
    assert len(rule.detail) < 200


def test_a_broken_rule_says_what_is_wrong_where_that_has_a_name() -> None:
    document = {**NOTIFICATION, "scheduled_time": "2027-06-30T23:59:60Z", "to_mail": "a@host"}
    with pytest.raises(InvalidResource) as caught:
        NOTIFICATIONS.parse(document)
    assert [rule.detail for rule in caught.value.broken_rules] == [
        "must be an e-mail address, up to 254 octets;"
        ' it is "a@host": a host without a dot is not accepted',
        'must be a date and time (RFC 3339), like "2027-05-01T18:00:00Z";'
        ' it is "2027-06-30T23:59:60Z": a leap second is not accepted; the seconds are 00 to 59',
    ]


def test_of_many_broken_rules_the_first_are_listed_and_the_others_counted() -> None:
    with pytest.raises(InvalidResource) as caught:
        EVENTS.parse({**EVENT, **{f"member {number}": number for number in range(1000)}})
    assert [rule.pointer for rule in caught.value.broken_rules] == [
        f"/member {number}" for number in range(20)
    ]
    assert caught.value.more == 980


@pytest.mark.parametrize("character", ["x", "~", "\0", "😀"])
def test_a_long_name_is_shortened_in_its_pointer(character: str) -> None:
    with pytest.raises(InvalidResource) as caught:
        EVENTS.parse({**EVENT, character * 60_000: 1})
    (rule,) = caught.value.broken_rules
    assert len(rule.pointer) <= 82
    assert rule.pointer.endswith("…")


def test_a_value_that_is_nested_deeply_is_refused() -> None:
    value: Any = 1
    for _ in range(980):
        value = {"a": value}
    for member in ("title", "location", "color"):
        assert pointers(EVENTS, {**EVENT, member: value})[0].startswith(f"/{member}")


@pytest.mark.parametrize("number", [10**4299, -(10**4299), 10**400, 1e308, 2**64])
def test_a_number_that_is_too_large_is_refused(number: float) -> None:
    location = {"latitude": number, "longitude": number}
    found = pointers(EVENTS, {**EVENT, "title": number, "location": location})
    assert found == ["/title", "/location/latitude", "/location/longitude"]


@given(st.sampled_from(["events", "notifications"]), st.data())
def test_read_only_members_are_ignored_whatever_they_are(kind: str, data: st.DataObject) -> None:
    schema: Schema[Any] = EVENTS if kind == "events" else NOTIFICATIONS
    example = EVENT if kind == "events" else NOTIFICATION
    read_only = sorted(schema.members.keys() - schema.writable.keys())
    values = data.draw(st.fixed_dictionaries(dict.fromkeys(read_only, JSON)))
    assert schema.parse({**example, **values}) == schema.parse(example)
    assert schema.parse_patch(values) == ({}, {}, ())


def test_read_only_members_are_accepted_and_ignored() -> None:
    event: dict[str, object] = {"id": 7, "starts_at": None, "created_at": "ago", "updated_at": []}
    assert EVENTS.parse({**EVENT, **event}) == EVENTS.parse(EVENT)
    sent: dict[str, object] = {"status": "sent", "attempts": -1, "last_error": {}, "sent_at": 0}
    assert NOTIFICATIONS.parse({**NOTIFICATION, **sent}) == NOTIFICATIONS.parse(NOTIFICATION)


def test_a_patch_has_only_what_it_changes() -> None:
    patch = EVENTS.parse_patch({"title": "New", "time": "21:00", "id": "ignored"})
    assert patch == ({"title": "New", "time": "21:00:00"}, {}, ())


def test_null_in_a_patch_resets_to_the_default() -> None:
    patch = EVENTS.parse_patch({"place": None, "duration": None, "timezone": None})
    assert patch.values == {"place": "", "duration": None, "timezone": "UTC"}


def test_a_patch_cannot_remove_what_is_required() -> None:
    with pytest.raises(InvalidResource) as caught:
        EVENTS.parse_patch({"title": None, "location": {"latitude": None}})
    found = [rule.pointer for rule in caught.value.broken_rules]
    assert found == ["/title", "/location/latitude"]


def test_a_patch_of_a_part_needs_the_other_parts_to_be_there() -> None:
    whole = EVENTS.parse_patch({"location": {"latitude": 1, "longitude": 2}})
    assert whole.values == {"location": Location(latitude=1, longitude=2)}
    part = EVENTS.parse_patch({"location": {"latitude": 1}})
    assert part.parts == {"location": {"latitude": 1}}
    assert [rule.pointer for rule in part.missing] == ["/location/longitude"]


def test_a_part_changes_an_object_that_is_there_and_nothing_else() -> None:
    part = EVENTS.parse_patch({"location": {"latitude": 1}, "title": "New"})
    changes = part.changes(EVENTS.parse(EVENT))
    assert changes == {"title": "New", "location": Location(latitude=1, longitude=13.405)}
    with pytest.raises(InvalidResource) as caught:
        part.changes(EVENTS.parse({**EVENT, "location": None}))
    assert [rule.pointer for rule in caught.value.broken_rules] == ["/location/longitude"]
