from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from microservice_chassis.caching.shared_memory import SharedMemory
from microservice_chassis.caching.stamps import SharedStamps
from microservice_chassis.process.shared_file import make
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fd() -> Iterator[int]:
    fd = make(workers=7)
    yield fd
    os.close(fd)


@pytest.fixture
def processes(fd: int, clock: Clock) -> Iterator[list[SharedStamps]]:
    memories = [SharedMemory(fd) for _ in range(3)]
    yield [SharedStamps(memory, clock) for memory in memories]
    for memory in memories:
        memory.close()
