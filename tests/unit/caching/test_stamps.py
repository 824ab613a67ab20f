"""Version stamps in shared memory: which answers count, whatever becomes of the writers.

Each `SharedStamps` here is a process of its own as far as the memory can tell.
"""

from __future__ import annotations

import random
from contextlib import AbstractContextManager, suppress

import pytest

from microservice_chassis.caching.shared_memory import SharedMemory
from microservice_chassis.caching.stamps import SharedStamps
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS, Change
from tests.clock import Clock
from tests.unit.caching.failing_writes import WriteFailed, fail

INSERT_MS = 60_000


def test_a_change_gives_the_stamp_another_number_everywhere(
    processes: list[SharedStamps],
) -> None:
    one, other, _ = processes
    before = other.current(7)
    with one.change(7, 8):
        pass
    assert before != one.current(7) == other.current(7)
    assert other.current(7) != other.current(8)
    assert other.current(9) == before == 0


def test_a_write_that_changes_nothing_changes_no_stamp(processes: list[SharedStamps]) -> None:
    one, other, _ = processes
    with one.change(7):
        pass
    before = other.current(7)
    with one.change(7) as change:
        change.made = False
        assert other.current(7) is None
    assert other.current(7) == before


def test_two_names_may_share_a_slot(processes: list[SharedStamps]) -> None:
    one, other, _ = processes
    with one.change(7, 7):
        assert other.current(7) is None
    assert other.current(7) is not None


def test_no_stamp_counts_while_a_write_is_under_way(processes: list[SharedStamps]) -> None:
    one, other, third = processes
    with one.change(7):
        assert [each.current(7) for each in processes] == [None] * 3
        with other.change(7):
            pass
        assert third.current(7) is None
        with one.change(7) as change:
            change.made = False
        assert third.current(7) is None
        assert third.current(8) is not None
    assert third.current(7) is not None


@pytest.mark.parametrize("made", [True, False])
def test_what_counted_before_writes_at_once_counts_only_if_none_changed_anything(
    processes: list[SharedStamps], made: bool
) -> None:
    one, other, third = processes
    before = third.current(7)
    with one.change(7) as first, other.change(7) as second:
        first.made = made
        second.made = False
    assert (third.current(7) == before) is not made


def test_a_failed_write_counts_as_under_way_until_it_cannot_happen_any_more(
    processes: list[SharedStamps], clock: Clock
) -> None:
    one, other, _ = processes
    before = other.current(7)
    fail(one, 7)
    assert other.current(7) is None
    clock.pass_ms(LONGEST_CHANGE_MS - 1)
    assert other.current(7) is None
    clock.pass_ms(2)
    after = other.current(7)
    assert after not in (None, before)
    assert other.current(7) == one.current(7) == after


@pytest.mark.parametrize("made", [True, False])
def test_a_later_write_does_not_end_the_wait_for_one_that_failed(
    processes: list[SharedStamps], clock: Clock, made: bool
) -> None:
    one, other, _ = processes
    before = other.current(7)
    fail(one, 7)
    clock.pass_ms(LONGEST_CHANGE_MS // 2)
    with one.change(7) as change:
        change.made = made
    assert other.current(7) is None
    clock.pass_ms(LONGEST_CHANGE_MS // 2 + 1)
    assert other.current(7) not in (None, before)


def test_a_write_during_which_another_one_failed_long_ago_leaves_a_stamp_that_counts_no_longer(
    processes: list[SharedStamps], clock: Clock
) -> None:
    one, other, _ = processes
    before = other.current(7)
    fail(one, 7)
    clock.pass_ms(LONGEST_CHANGE_MS + 1)
    with one.change(7) as change:
        change.made = False
    assert other.current(7) not in (None, before)


def test_a_shorter_write_does_not_end_the_wait_for_a_longer_one(
    processes: list[SharedStamps], clock: Clock
) -> None:
    """Of one process, which dies over both: its place has to tell of the longer one."""
    one, other, _ = processes
    before = other.current(7)
    dead = [one.change(7, longest_ms=INSERT_MS), one.change(7)]
    for each in dead:
        each.__enter__()  # and never leaves
    clock.pass_ms(LONGEST_CHANGE_MS + 1)
    assert other.current(7) is None
    clock.pass_ms(INSERT_MS)
    assert other.current(7) not in (None, before)


def test_a_longer_write_that_ended_leaves_nothing_behind_where_shorter_ones_go_on(
    processes: list[SharedStamps],
) -> None:
    one, other, _ = processes
    with one.change(7):
        with one.change(7, longest_ms=INSERT_MS):
            pass
        assert other.current(7) is None
    assert other.current(7) is not None


def test_writes_of_one_process_at_once_fail_and_end_in_any_order(
    processes: list[SharedStamps], clock: Clock
) -> None:
    one, other, _ = processes
    first = one.change(7)
    first.__enter__()
    clock.pass_ms(1000)
    second = one.change(7)
    second.__enter__()
    with suppress(WriteFailed):
        second.__exit__(WriteFailed, WriteFailed(), None)
    with suppress(WriteFailed):
        first.__exit__(WriteFailed, WriteFailed(), None)
    clock.pass_ms(LONGEST_CHANGE_MS - 500)  # the first can happen no longer, the second can
    assert other.current(7) is None
    clock.pass_ms(1000)
    assert other.current(7) is not None


def test_a_process_that_takes_the_place_of_a_dead_one_remembers_its_write(
    fd: int, clock: Clock
) -> None:
    dead_memory, memory = SharedMemory(fd), SharedMemory(fd)
    dead, reader = SharedStamps(dead_memory, clock), SharedStamps(memory, clock)
    before = reader.current(7)
    never_ended = dead.change(7)
    never_ended.__enter__()
    place = dead_memory.place
    dead_memory.close()  # as the kernel does when a process ends
    successor_memory = SharedMemory(fd)
    assert successor_memory.place == place
    successor = SharedStamps(successor_memory, clock)
    with successor.change(7) as change:
        change.made = False
    assert reader.current(7) is None
    clock.pass_ms(LONGEST_CHANGE_MS + 1)
    with successor.change(7) as change:
        change.made = False
    assert reader.current(7) not in (None, before)
    for each in (memory, successor_memory):
        each.close()


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_nothing_counts_that_was_read_before_the_last_change(
    fd: int, clock: Clock, seed: int
) -> None:
    """Entries kept at random against writes that begin, happen, end, fail and die at random."""
    dice = random.Random(seed)
    memories = [SharedMemory(fd) for _ in range(4)]
    stamps = [SharedStamps(memory, clock) for memory in memories]
    database = 0
    entries: list[tuple[int, int]] = []  # the stamp, and what was in the database
    under_way: list[tuple[SharedStamps, AbstractContextManager[Change]]] = []
    dead: list[AbstractContextManager[Change]] = []  # whose ends must never run
    for _ in range(400):
        who = dice.randrange(4)
        match dice.randrange(8):
            case 0 | 1:
                longest_ms = dice.choice((LONGEST_CHANGE_MS, LONGEST_CHANGE_MS, INSERT_MS))
                begun = stamps[who].change(7, longest_ms=longest_ms)
                change = begun.__enter__()
                change.made = dice.random() < 0.7
                if change.made:
                    database += 1  # at some time before it ends, or dies
                under_way.append((stamps[who], begun))
            case 2 | 3 | 4 if under_way:
                _, context = under_way.pop(dice.randrange(len(under_way)))
                if dice.random() < 0.8:
                    context.__exit__(None, None, None)
                else:
                    with suppress(WriteFailed):
                        context.__exit__(WriteFailed, WriteFailed(), None)
            case 5:
                # The process dies, and another one takes its place.
                memories[who].close()
                dead += [context for writer, context in under_way if writer is stamps[who]]
                under_way = [each for each in under_way if each[0] is not stamps[who]]
                memories[who] = SharedMemory(fd)
                stamps[who] = SharedStamps(memories[who], clock)
            case 6:
                clock.pass_ms(dice.randrange(LONGEST_CHANGE_MS))
            case _:
                stamp = stamps[who].current(7)
                if stamp is not None:
                    assert all(value == database for kept, value in entries if kept == stamp)
                    entries.append((stamp, database))
    for memory in memories:
        memory.close()
