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


def test_a_write_that_fails_may_still_happen(
    stamps: SharedStamps, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stamps.current(SLOT)
    with pytest.raises(TimeoutError), stamps.change(SLOT):
        raise TimeoutError
    after = stamps.current(SLOT)
    assert after != before
    assert not after.settled
    later = time.monotonic_ns() + 6_000_000_000
    monkeypatch.setattr(time, "monotonic_ns", lambda: later)
    assert after.settled


def test_all_can_be_changed_at_once(stamps: SharedStamps) -> None:
    before = stamps.current(SLOT)
    stamps.renew()
    assert stamps.current(SLOT) != before
    assert stamps.current(SLOT).settled


def test_other_stamps_stay(stamps: SharedStamps) -> None:
    other = stamps.slot("events/2")
    before = stamps.current(other)
    with stamps.change(SLOT, stamps.slot("events")):
        assert stamps.current(other) == before
    assert stamps.current(other) == before


def test_nothing_is_kept_while_a_write_is_under_way(stamps: SharedStamps) -> None:
    assert stamps.current(SLOT).settled
    with stamps.change(SLOT):
        assert not stamps.current(SLOT).settled
    assert stamps.current(SLOT).settled


def test_of_two_writes_at_once_the_last_to_end_settles(stamps: SharedStamps) -> None:
    first, second = stamps.change(SLOT), stamps.change(SLOT)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not stamps.current(SLOT).settled
    second.__exit__(None, None, None)
    assert stamps.current(SLOT).settled


def test_of_two_writes_at_once_the_first_still_changes_what_the_second_left(
    stamps: SharedStamps,
) -> None:
    first, second = stamps.change(SLOT), stamps.change(SLOT)
    first.__enter__()
    second.__enter__()
    second.__exit__(None, None, None)
    between = stamps.current(SLOT)
    assert between.settled
    first.__exit__(None, None, None)
    assert stamps.current(SLOT) != between


def test_a_write_whose_worker_died_counts_no_longer_after_a_while(
    stamps: SharedStamps, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = stamps.change(SLOT)
    dead.__enter__()  # and does not leave
    left = stamps.current(SLOT)
    assert not left.settled
    later = time.monotonic_ns() + 6_000_000_000
    monkeypatch.setattr(time, "monotonic_ns", lambda: later)
    assert left.settled


def test_a_paused_write_changes_even_the_stamp_of_a_dead_one(
    stamps: SharedStamps, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = stamps.change(SLOT)
    paused.__enter__()
    dead = stamps.change(SLOT)
    dead.__enter__()  # and does not leave
    later = time.monotonic_ns() + 6_000_000_000
    monkeypatch.setattr(time, "monotonic_ns", lambda: later)
    between = stamps.current(SLOT)
    paused.__exit__(None, None, None)
    assert stamps.current(SLOT) != between


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
