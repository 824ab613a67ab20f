from __future__ import annotations

import os
import time

import pytest

from microservice_chassis.stamps import SharedStamps

SLOT = SharedStamps.slot("events/1")


@pytest.fixture
def stamps() -> SharedStamps:
    return SharedStamps()


def test_a_write_changes_the_stamp_before_and_after_it(stamps: SharedStamps) -> None:
    seen = [stamps.current(SLOT)]
    with stamps.change(SLOT):
        seen.append(stamps.current(SLOT))
    seen.append(stamps.current(SLOT))
    assert len(set(seen)) == 3


def test_other_stamps_stay(stamps: SharedStamps) -> None:
    other = stamps.slot("events/2")
    before = stamps.current(other)
    with stamps.change(SLOT, stamps.slot("events")):
        assert stamps.current(other) == before
        assert stamps.settled(other)
    assert stamps.current(other) == before


def test_nothing_is_kept_while_a_write_is_under_way(stamps: SharedStamps) -> None:
    assert stamps.settled(SLOT)
    with stamps.change(SLOT):
        assert not stamps.settled(SLOT)
    assert stamps.settled(SLOT)


@pytest.mark.parametrize("first_to_end", [0, 1])
def test_of_two_writes_at_once_the_last_to_end_settles(
    stamps: SharedStamps, first_to_end: int
) -> None:
    writes = [stamps.change(SLOT), stamps.change(SLOT)]
    for write in writes:
        write.__enter__()
    writes.pop(first_to_end).__exit__(None, None, None)
    between = stamps.current(SLOT)
    assert not stamps.settled(SLOT)
    writes.pop().__exit__(None, None, None)
    assert stamps.current(SLOT) != between
    assert stamps.settled(SLOT)


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let more time pass than a write may take."""
    now = time.monotonic_ns() + 6_000_000_000
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)


def test_a_write_that_fails_may_still_happen(
    stamps: SharedStamps, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stamps.current(SLOT)
    with pytest.raises(TimeoutError), stamps.change(SLOT):
        raise TimeoutError
    assert stamps.current(SLOT) != before
    assert not stamps.settled(SLOT)
    later(monkeypatch)
    assert stamps.settled(SLOT)


def test_a_write_whose_worker_died_is_waited_for_whoever_else_writes(
    stamps: SharedStamps, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = stamps.change(SLOT)
    dead.__enter__()  # and does not leave
    with stamps.change(SLOT):
        pass
    assert not stamps.settled(SLOT)
    later(monkeypatch)
    assert stamps.settled(SLOT)
    with stamps.change(SLOT):
        assert not stamps.settled(SLOT)
    assert stamps.settled(SLOT)


def test_more_writes_at_once_than_there_are_places_for_settle_in_the_end(
    stamps: SharedStamps,
) -> None:
    writes = [stamps.change(SLOT) for _ in range(100)]
    for write in writes:
        write.__enter__()
        assert not stamps.settled(SLOT)
    for write in writes:
        write.__exit__(None, None, None)
    assert stamps.settled(SLOT)


def test_a_paused_write_changes_the_stamp_even_late(
    stamps: SharedStamps, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = stamps.change(SLOT)
    paused.__enter__()
    later(monkeypatch)
    between = stamps.current(SLOT)
    paused.__exit__(None, None, None)
    assert stamps.current(SLOT) != between
    assert stamps.settled(SLOT)


def test_only_those_who_were_forked_from_the_maker_share(stamps: SharedStamps) -> None:
    assert not stamps.shared
    before = stamps.current(SLOT)
    child = os.fork()
    if child == 0:
        with stamps.change(SLOT):
            os._exit(0 if stamps.shared else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert stamps.current(SLOT) != before


def test_stamps_never_repeat(stamps: SharedStamps) -> None:
    seen = set()
    for _ in range(10_000):
        with stamps.change(SLOT):
            seen.add(stamps.current(SLOT))
        seen.add(stamps.current(SLOT))
    assert len(seen) == 20_000
