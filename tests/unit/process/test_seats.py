from __future__ import annotations

import pytest

from microservice_chassis.process.seats import FULL_CONNECTIONS as FULL
from microservice_chassis.process.seats import Seats, share


@pytest.mark.parametrize(
    ("loads", "waiting", "shares"),
    [
        # Two cores: the first two of seven workers take all, evenly, the least loaded first.
        ([0, 0, 0, 0, 0, 0, 0], 10, [5, 5, 0, 0, 0, 0, 0]),
        ([3, 0, 0, 0, 0, 0, 0], 1, [0, 1, 0, 0, 0, 0, 0]),
        ([3, 0, 0, 0, 0, 0, 0], 5, [1, 4, 0, 0, 0, 0, 0]),
        ([FULL - 4, FULL, 0, 0, 0, 0, 0], 4, [4, 0, 0, 0, 0, 0, 0]),
        # Once they are full, everybody does.
        ([FULL, FULL, 0, 0, 0, 0, 0], 1, [0, 0, 1, 1, 1, 1, 1]),
        ([0, 0, 0, 0, 0, 0, 0], 7 * FULL, [FULL] * 7),
        ([FULL] * 7, 7, [1] * 7),
        # One worker alone takes what there is.
        ([500], 3, [3]),
    ],
)
def test_a_worker_takes_its_share_of_the_connections_that_wait(
    loads: list[int], waiting: int, shares: list[int]
) -> None:
    assert [share(loads, place, 2, waiting) for place in range(len(loads))] == shares


@pytest.mark.parametrize("waiting", [1, 7, 100, 2000])
@pytest.mark.parametrize(
    "loads", [[0, 0, 0], [FULL, 3, 0], [FULL, FULL, FULL], [2 * FULL, 0, FULL]]
)
def test_somebody_takes_whatever_waits(loads: list[int], waiting: int) -> None:
    while waiting:
        shares = [share(loads, place, 2, waiting) for place in range(len(loads))]
        place = max(range(len(loads)), key=shares.__getitem__)
        assert shares[place] > 0
        loads = [load + shares[place] * (n == place) for n, load in enumerate(loads)]
        waiting -= shares[place]


def test_a_seat_knows_the_workers_that_are_well() -> None:
    seats = Seats(3)
    first, second, _never_started = seats.take(), seats.take(), seats.take()
    first.beat()
    second.beat()
    for _ in range(5):
        first.connection_taken()
    assert seats.loads(0) == ([5, 0], 0)
    assert seats.loads(1) == ([5, 0], 1)
    first.retire()
    assert seats.loads(1) == ([0], 0)


def test_a_worker_that_dies_leaves_no_connections_behind() -> None:
    seats = Seats(2)
    died = seats.take()
    died.beat()
    died.connection_taken()
    died.leave()
    successor = seats.take()
    assert successor.connections == 0
    assert seats.loads(1) == ([0], 0)


def test_a_worker_without_a_seat_takes_what_waits() -> None:
    seats = Seats(1)
    first, second = seats.take(), seats.take()
    second.connection_taken()
    assert second.share(3) == 3
    assert first.connections == 0
