"""What several workers say of one outage."""

from __future__ import annotations

import copy

import pytest

from microservice_chassis.errors import DatabaseUnavailable
from microservice_chassis.storage.outage import Outage


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def workers() -> tuple[Outage, Outage]:
    """Two workers that were forked from one process: what is in shared memory is one."""
    outage = Outage()
    return copy.copy(outage), copy.copy(outage)


def test_two_workers_report_one_loss_and_one_return(caplog: pytest.LogCaptureFixture) -> None:
    first, second = workers()
    first.lost(DatabaseUnavailable("gone"), came_s=10.0)
    second.lost(DatabaseUnavailable("gone"), came_s=10.1)
    second.answered(12.0, write=False)
    first.answered(12.1, write=False)
    assert lines(caplog) == ["MongoDB is unavailable: gone", "MongoDB is available again"]


def test_what_came_before_the_return_and_fails_late_is_no_new_loss(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = workers()
    first.lost(DatabaseUnavailable("gone"), came_s=10.0)
    first.answered(12.0, write=False)
    second.lost(DatabaseUnavailable("gone before"), came_s=11.9)
    second.answered(12.2, write=False)
    assert lines(caplog) == ["MongoDB is unavailable: gone", "MongoDB is available again"]
    second.lost(DatabaseUnavailable("gone again"), came_s=12.3)
    assert lines(caplog)[2:] == ["MongoDB is unavailable: gone again"]
