"""The memory that the processes of a service share: their places in it, and the floor of ids."""

from __future__ import annotations

import os
from multiprocessing import get_context

import pytest

from microservice_chassis.caching.shared_memory import SharedMemory
from microservice_chassis.caching.stamps import SharedStamps
from microservice_chassis.errors import DatabaseUnavailable
from microservice_chassis.process.shared_file import make


def place_in_another_process(fd: int) -> int:
    return SharedMemory(fd).place


def test_processes_have_places_of_their_own_and_leave_them_when_they_end(fd: int) -> None:
    memory = SharedMemory(fd)
    assert memory.place == 0
    context = get_context("fork")
    for _ in range(3):
        with context.Pool(1) as pool:
            assert pool.apply(place_in_another_process, (fd,)) == 1
    memory.close()


def test_more_processes_than_places_are_refused() -> None:
    fd = make(workers=1)
    memories = [SharedMemory(fd) for _ in range(19)]
    assert [memory.place for memory in memories[:18]] == list(range(18))
    with pytest.raises(DatabaseUnavailable, match="more than 18 processes"):
        _ = memories[18].place
    for memory in memories:
        memory.close()
    os.close(fd)


@pytest.mark.parametrize("workers", [1, 7, 8, 512])
def test_any_number_of_workers_fits(workers: int) -> None:
    fd = make(workers)
    memory = SharedMemory(fd)
    assert memory.places == 2 * workers + 16
    assert memory.slots >= 1024
    stamps = SharedStamps(memory)
    last = memory.slots - 1
    with stamps.change(0, last):
        assert stamps.current(last) is None
    assert stamps.current(last) is not None
    memory.close()
    os.close(fd)


def test_the_floor_of_ids_only_rises_whoever_raises_it(fd: int) -> None:
    memories = [SharedMemory(fd) for _ in range(2)]
    raised = [memories[number % 2].raise_floor(each) for number, each in enumerate([5, 3, 9, 9])]
    assert raised == [5, 6, 9, 10]
    assert [memory.raise_floor(0, count=3) for memory in memories] == [11, 14]
    assert memories[0].raise_floor(0) == 17
    for memory in memories:
        memory.close()
