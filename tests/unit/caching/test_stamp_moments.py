"""What others see of a write at any moment of it: as it is entered, happens, and leaves."""

from __future__ import annotations

import pytest

from microservice_chassis.caching.shared_memory import SharedMemory
from microservice_chassis.caching.stamps import SharedStamps
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS
from tests.clock import Clock
from tests.unit.caching.failing_writes import fail


def test_the_clock_may_stand_still(fd: int) -> None:
    memories = [SharedMemory(fd) for _ in range(2)]
    one, other = (SharedStamps(memory, lambda: 5_000_000) for memory in memories)
    seen = [one.current(7)]
    for _ in range(50):
        for each in (one, other):
            with each.change(7):
                pass
            seen.append(each.current(7))
    assert len(set(seen)) == len(seen)
    for memory in memories:
        memory.close()


def test_a_write_that_was_held_up_before_it_could_be_seen_is_not_forgotten(
    fd: int, processes: list[SharedStamps], clock: Clock
) -> None:
    """Another write ends after this one has made its number, and before it is seen."""
    _, other, reader = processes
    kept: list[int | None] = []

    def held_up() -> int:
        now_ns = clock()
        if not kept:
            clock.pass_ms(1)
            with other.change(7):
                pass
            kept.append(reader.current(7))
        return now_ns

    memory = SharedMemory(fd)
    fail(SharedStamps(memory, held_up), 7)
    assert reader.current(7) is None
    clock.pass_ms(LONGEST_CHANGE_MS + 10)
    assert reader.current(7) not in (None, *kept)
    memory.close()


@pytest.mark.parametrize("made", [True, False])
def test_whatever_counted_at_any_moment_before_a_write_ended_counts_no_longer(
    fd: int, processes: list[SharedStamps], clock: Clock, made: bool
) -> None:
    """Whoever looks while the write is being entered, or leaves its places."""
    reader, *_ = processes
    fail(processes[1], 7)  # so that it looks at what stands there
    clock.pass_ms(LONGEST_CHANGE_MS + 1)
    before = [reader.current(slot) for slot in (7, 8)]
    seen: list[tuple[int | None, ...]] = []

    def looked_at() -> int:
        seen.append(tuple(reader.current(slot) for slot in (7, 8)))
        return clock()

    memory = SharedMemory(fd)
    with SharedStamps(memory, looked_at).change(7, 8) as change:
        change.made = made
        during = len(seen)
    for which, slot in enumerate((7, 8)):
        now = reader.current(slot)
        assert {stamps[which] for stamps in seen[:during]} <= {before[which], None}
        assert {stamps[which] for stamps in seen[during:]} <= {now, None}
        assert (now == before[which]) is not made
    memory.close()


def test_a_stamp_that_was_made_before_a_write_was_over_does_not_settle_it(
    fd: int, processes: list[SharedStamps], clock: Clock
) -> None:
    """The write may have happened after it."""
    one, other, reader = processes
    memory = SharedMemory(fd)
    fail(one, 7)
    clock.pass_ms(LONGEST_CHANGE_MS // 2)
    with other.change(7):
        pass
    made = memory.stamps[7]
    clock.pass_ms(LONGEST_CHANGE_MS // 2 + 1)
    assert reader.current(7) not in (None, made)
    memory.close()


def test_numbers_of_two_processes_differ_although_the_clock_stands_still(fd: int) -> None:
    """One writes after another has made its number, and before it can be seen."""
    memories = [SharedMemory(fd) for _ in range(3)]
    now_ns = 5_000_000
    other, reader = (SharedStamps(memory, lambda: now_ns) for memory in memories[1:])
    kept: list[int | None] = []

    def held_up() -> int:
        if not kept:
            with other.change(7):
                pass
            kept.append(reader.current(7))
        return now_ns

    with SharedStamps(memories[0], held_up).change(7):
        pass
    assert reader.current(7) not in (None, *kept)
    for memory in memories:
        memory.close()
