from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from microservice_chassis.errors import ResourceNotFound
from microservice_chassis.storage.identifiers import Identifiers, ProcessFloor, parse_id


def test_an_id_made_later_sorts_later_whoever_shares_the_floor() -> None:
    floor = ProcessFloor()
    makers = [Identifiers(floor) for _ in range(4)]
    ids = [makers[number % 4].new() for number in range(1000)]
    assert all(earlier < later for earlier, later in pairwise(ids))


def test_an_id_sorts_later_also_when_the_clock_stands_still_or_is_set_back() -> None:
    times = [1_800_000_000_999_999_999] * 500 + [1_700_000_000_000_000_000] * 500
    clock = iter(times)
    identifiers = Identifiers(ProcessFloor(), lambda: next(clock))
    ids = [identifiers.new() for _ in times]
    assert all(earlier < later for earlier, later in pairwise(ids))


def test_ids_made_at_the_same_time_by_those_who_share_no_floor_differ() -> None:
    makers = [Identifiers(ProcessFloor(), lambda: 1_800_000_000_000_000_000) for _ in range(1000)]
    assert len({maker.new() for maker in makers}) == 1000


def test_an_id_tells_when_it_was_made() -> None:
    age = datetime.now(UTC) - Identifiers(ProcessFloor()).new().generation_time
    assert timedelta(0) <= age < timedelta(seconds=2)


def test_an_id_is_read_in_either_case() -> None:
    identifier = Identifiers(ProcessFloor()).new()
    assert parse_id(str(identifier)) == parse_id(str(identifier).upper()) == identifier


@pytest.mark.parametrize("text", ["", "f" * 23, "f" * 25, "g" * 24, "../" * 8, "f" * 22 + "  "])
def test_what_is_no_id_is_not_found(text: str) -> None:
    with pytest.raises(ResourceNotFound):
        parse_id(text)


def test_several_are_in_a_row_and_what_is_made_then_is_behind_them() -> None:
    now_ns = 1_000_000_000
    identifiers = Identifiers(ProcessFloor(), lambda: now_ns)
    made = [identifiers.new(), *identifiers.several(1000), identifiers.new()]
    assert made == sorted(set(made))
    assert identifiers.several(0) == []
