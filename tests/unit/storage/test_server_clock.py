"""What is known of the server's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pymongo.hello import Hello
from pymongo.monitoring import ServerHeartbeatSucceededEvent

from microservice_chassis.storage.server_clock import ServerClock

NOON = datetime(2027, 5, 1, 12, tzinfo=UTC)


def heartbeat(clock: ServerClock, local_time: datetime, *, primary: bool = True) -> None:
    """A server of a replica set answers a hello; PyMongo decodes times without a zone."""
    hello = {
        "ok": 1,
        "setName": "rs",
        "hosts": ["host:1"],
        "isWritablePrimary": primary,
        "secondary": not primary,
        "localTime": local_time.replace(tzinfo=None),
    }
    clock.succeeded(ServerHeartbeatSucceededEvent(0.5, Hello(hello), ("host", 1)))


def test_the_clock_goes_on_from_what_the_server_has_told() -> None:
    now_s = 100.0
    clock = ServerClock(lambda: now_s)
    heartbeat(clock, NOON)
    assert clock.at(101.5) == NOON + timedelta(seconds=1.5)
    now_s = 200.0
    assert clock.at(201.5) == NOON + timedelta(seconds=101.5)


def test_what_is_shown_is_never_ahead_of_the_server() -> None:
    clock = ServerClock(lambda: 100.0)
    heartbeat(clock, NOON)  # sent some time before 100.0, when the server's clock showed noon
    assert clock.at(100.0) == NOON
    assert clock.at(100.0019) == NOON + timedelta(milliseconds=1)


def test_a_clock_that_jumps_is_followed() -> None:
    clock = ServerClock(lambda: 100.0)
    heartbeat(clock, NOON)
    heartbeat(clock, NOON - timedelta(hours=1))
    assert clock.at(100.0) == NOON - timedelta(hours=1)
    clock.tell(NOON + timedelta(hours=1))
    assert clock.at(100.0) == NOON + timedelta(hours=1)


def test_the_clock_is_that_of_the_server_that_takes_writes() -> None:
    clock = ServerClock(lambda: 100.0)
    heartbeat(clock, NOON)
    heartbeat(clock, NOON + timedelta(hours=1), primary=False)
    assert clock.at(100.0) == NOON


def test_before_a_server_has_told_it_no_write_is_in_time() -> None:
    assert ServerClock().at(100.0) < NOON
