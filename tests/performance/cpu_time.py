"""The CPU time that a running service has taken."""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import psutil

from tests.process_tree import tree
from tests.services import Service


class CpuTime(NamedTuple):
    """User and system time, in seconds."""

    server: float  # the launcher and Gunicorn's processes
    mongod: float

    def since(self, earlier: CpuTime) -> CpuTime:
        """Return what was taken after `earlier`."""
        return CpuTime(self.server - earlier.server, self.mongod - earlier.mongod)


def cpu_time(service: Service) -> CpuTime:
    """Return what the whole tree of processes has taken so far."""
    parts = tree(service)
    mongod = parts.pop("mongod")
    return CpuTime(sum(map(_taken, chain(*parts.values()))), sum(map(_taken, mongod)))


def _taken(process: psutil.Process) -> float:
    times = process.cpu_times()
    # NOTE: a worker that has ended counts on, in its parent.
    return float(times.user + times.system + times.children_user + times.children_system)
