"""The schemas of the API document say of a document what the service does with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events_microservice.models.event import Event
from events_microservice.models.event_query import EventQuery
from microservice_chassis.errors import InvalidParameter, InvalidResource
from microservice_chassis.schema import json_schema
from microservice_chassis.schema.member import Keywords
from microservice_chassis.schema.query import QueryParameters
from microservice_chassis.schema.schema import Schema
from notifications_microservice.models.mail_address import mail_address_rule
from notifications_microservice.models.notification import Notification
from notifications_microservice.models.notification_query import NotificationQuery
from tests.examples import EVENT, NOTIFICATION
from tests.strategies import EVENT_DOCUMENTS, JSON, NOTIFICATION_DOCUMENTS

EVENTS = Schema(Event)
NOTIFICATIONS = Schema(Notification)
BARE_HOSTS = Schema(Notification, rules={"to_mail": mail_address_rule(bare_hosts=True)})


def validator(keywords: Keywords) -> Any:
    return jsonschema_rs.validator_for(dict(keywords), validate_formats=True)


WHOLE = {schema: validator(json_schema.given(schema)) for schema in (EVENTS, NOTIFICATIONS)}
PATCH = {schema: validator(json_schema.merge_patch(schema)) for schema in (EVENTS, NOTIFICATIONS)}
ANSWERED = {schema: validator(json_schema.answered(schema)) for schema in (EVENTS, NOTIFICATIONS)}


def accepts(read: Callable[[Any], object], document: Any) -> bool:
    try:
        read(document)
    except InvalidResource:
        return False
    return True


@given(EVENT_DOCUMENTS)
def test_a_valid_event_is_said_to_be_valid_and_so_is_its_answer(document: dict[str, Any]) -> None:
    WHOLE[EVENTS].validate(document)
    answered = msgspec.structs.replace(EVENTS.parse(document).with_derived(), id="a" * 24)
    ANSWERED[EVENTS].validate(msgspec.to_builtins(answered))


@given(NOTIFICATION_DOCUMENTS)
def test_a_valid_notification_is_said_to_be_valid_and_so_is_its_answer(
    document: dict[str, Any],
) -> None:
    WHOLE[NOTIFICATIONS].validate(document)
    answered = msgspec.structs.replace(NOTIFICATIONS.parse(document), id="a" * 24)
    ANSWERED[NOTIFICATIONS].validate(msgspec.to_builtins(answered))


@given(st.sampled_from([(EVENTS, EVENT), (NOTIFICATIONS, NOTIFICATION)]), st.data())
def test_another_value_is_accepted_where_the_schema_says_so(
    kind: tuple[Schema[Any], dict[str, Any]], data: st.DataObject
) -> None:
    schema, example = kind
    name = data.draw(st.sampled_from([*schema.members, "unknown"]))
    document = {**example, name: data.draw(JSON | st.sampled_from(list(example.values())))}
    assert accepts(schema.parse, document) == WHOLE[schema].is_valid(document)
    patch = {name: document[name]}
    assert accepts(schema.parse_patch, patch) == PATCH[schema].is_valid(patch)


VALUES: list[tuple[Schema[Any], str, list[Any]]] = [
    (EVENTS, "title", ["", "a", "a" * 60, "a" * 61, "a\tb\n", "a\x00", "a\x7f", "😀" * 60, None]),
    (EVENTS, "place", ["", "a" * 100, "a" * 101, "\x0b", None]),
    (EVENTS, "date", ["2027-02-28", "2027-02-29", "2028-02-29", "2100-02-29", "2000-02-29"]),
    (EVENTS, "date", ["0000-01-01", "0000-02-29", "0001-01-01", "9999-12-31", "2027-04-31"]),
    (EVENTS, "date", ["2027-13-01", "2027-1-1", "20270101", "2027-W01-1", "2027-01-01\n", ""]),
    (EVENTS, "time", ["00:00", "23:59:59", "24:00", "12:60", "12:00:60", "T12:00", "12", "9:00"]),
    (EVENTS, "time", ["12:00Z", "12:00:00.5", "１２:00", " 12:00"]),
    (EVENTS, "timezone", ["UTC", "Europe/Berlin", "europe/berlin", "Factory", "localtime", "", 1]),
    (EVENTS, "duration", ["PT2H", "P1W", "P1DT2H3M4.5S", "PT1,5H", "PT1.5H30M", "P1W1D", "P1M"]),
    (EVENTS, "duration", ["P", "PT", "P1DT", "-PT1H", "pt1h", "P31D", "PT1.1234567S", None, ""]),
    (EVENTS, "location", [None, {}, {"latitude": 1}, {"latitude": 91, "longitude": 1}, "1,1"]),
    (EVENTS, "location", [{"latitude": -90, "longitude": 180.0}, {"latitude": "1"}]),
    (EVENTS, "location", [{"latitude": 1, "longitude": 1, "height": 1}, {"latitude": None}]),
    (NOTIFICATIONS, "subject", ["a" * 9, "a" * 10, "a" * 70, "a" * 71, "a" * 10 + "\n"]),
    (NOTIFICATIONS, "subject", ["a" * 10 + "\u2028", "a" * 10 + "\t", None]),
    (NOTIFICATIONS, "content", ["a" * 29, "a" * 30, "a" * 30 + "\n", "a" * 701]),
    (NOTIFICATIONS, "to_mail", ["a@b.de", "a@b", "a", "a@", "@b.de", "a b@c.de", '"a"@b.de']),
    (NOTIFICATIONS, "to_mail", ["A <a@b.de>", "a@b@c.de", "a@[127.0.0.1]", "ä@ö.de", "a@b.local"]),
    (NOTIFICATIONS, "to_mail", ["a" * 64 + "@b.de", "a" * 65 + "@b.de", "a@b.de\n", None, 1]),
    (NOTIFICATIONS, "scheduled_time", ["2027-05-01T18:00:00Z", "2027-05-01t18:00z"]),
    (NOTIFICATIONS, "scheduled_time", ["2027-05-01 18:00", "2027-05-01", "2027-05-01T18:00:60Z"]),
    (NOTIFICATIONS, "scheduled_time", ["2027-05-01T18:00:00.123456789+23:59", "2027-02-29T18:00Z"]),
    (NOTIFICATIONS, "scheduled_time", ["2027-05-01T18:00.5Z", "2027-05-01T18:00:00,5Z", None]),
    (NOTIFICATIONS, "scheduled_time", ["2027-05-01T18:00+24:00", "2027-05-01T18:00+0200"]),
    (NOTIFICATIONS, "status", ["sent", "anything", None, 1, []]),
    (BARE_HOSTS, "to_mail", ["root@localhost", "a@b.de", "a", "a@[::1]"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "name", "value"),
    [(schema, name, value) for schema, name, values in VALUES for value in values],
)
def test_what_is_near_to_valid_is_decided_alike(schema: Schema[Any], name: str, value: Any) -> None:
    example = EVENT if schema is EVENTS else NOTIFICATION
    document, patch = {**example, name: value}, {name: value}
    assert accepts(schema.parse, document) == validator(json_schema.given(schema)).is_valid(
        document
    )
    assert accepts(schema.parse_patch, patch) == validator(
        json_schema.merge_patch(schema)
    ).is_valid(patch)


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        (EVENTS, {**EVENT, "duration": "P32D"}),
        (NOTIFICATIONS, {**NOTIFICATION, "scheduled_time": "0001-01-01T00:00+01:00"}),
        (NOTIFICATIONS, {**NOTIFICATION, "to_mail": "a@b.invalid"}),
    ],
)
def test_these_rules_no_schema_can_state(schema: Schema[Any], document: dict[str, Any]) -> None:
    assert WHOLE[schema].is_valid(document)
    assert not accepts(schema.parse, document)


@pytest.mark.parametrize("schema", [EVENTS, NOTIFICATIONS])
@pytest.mark.parametrize("missing", [*EVENT, *NOTIFICATION])
def test_what_is_required_is_said_to_be(schema: Schema[Any], missing: str) -> None:
    example = EVENT if schema is EVENTS else NOTIFICATION
    document = {name: value for name, value in example.items() if name != missing}
    assert accepts(schema.parse, document) == WHOLE[schema].is_valid(document)


PARAMETERS = [
    ("limit", ["1", "1000", "0", "1001"]),
    ("sort", ["id", "-id", "date", "null", ""]),
    ("from", ["now", "today", "2027-05-01", "2027-02-29", "2027-05-01T18:00Z", "tomorrow", ""]),
    ("updated_since", ["2027-05-01T18:00Z", "now", "2027-05-01"]),
    ("topic", ["jazz", "a,b", ""]),
    ("place", ["park", ""]),
    ("near", ["52.52,13.405", "-1e-7,1", "1, 1", "1_0,1", "nan,1", "1", "1,1,1", ".5,1", "+1,1"]),
    ("status", ["sent", "lost", "null"]),
    ("to_mail", ["a@b.de", "root@localhost", "a"]),
]


@pytest.mark.parametrize("query", [EventQuery, NotificationQuery])
@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in PARAMETERS for text in texts]
)
def test_a_parameter_is_decided_alike(query: Any, name: str, text: str) -> None:
    parameters = QueryParameters(query)
    if name not in parameters.members:
        return
    schema = json_schema.parameter(parameters.members[name])
    value = int(text) if schema["type"] == "integer" else text
    try:
        parameters.parse({name: text})
    except InvalidParameter:
        assert not validator(schema).is_valid(value)
    else:
        assert validator(schema).is_valid(value)


@pytest.mark.parametrize("schema", [EVENTS, NOTIFICATIONS])
def test_recorded_and_derived_members_are_read_only(schema: Schema[Any]) -> None:
    properties = json_schema.answered(schema)["properties"]
    assert list(properties) == list(schema.members)
    read_only = {name for name, keywords in properties.items() if keywords.get("readOnly")}
    assert read_only == schema.members.keys() - schema.writable.keys()


@pytest.mark.parametrize("schema", [EVENTS, NOTIFICATIONS])
def test_the_example_of_a_model_is_valid(schema: Schema[Any]) -> None:
    assert msgspec.to_builtins(schema.parse(schema.model.example)).items() >= (
        schema.model.example.items()
    )
