"""A slot: the name under which a dispatcher claims, and how its successor knows it is no more.

Each dispatcher of a machine holds the lock on a file of its own, in `DATA_DIR/delivery`, which has
the name under which it claims. The kernel releases the lock when it ends, however that happens; so
whoever takes the slot next gives back what was still claimed under the old name, and nobody has
to wait for the lease to end.
"""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple


class Slot(NamedTuple):
    """The name of a dispatcher, and that of its predecessor, where it had one."""

    owner: str
    predecessor: str


@contextmanager
def slot(data_dir: Path) -> Iterator[Slot]:
    """Around the life of a dispatcher: have a slot to itself.

    Where DATA_DIR cannot be written there is none, and so no predecessor.
    """
    owner = secrets.token_hex(8)
    with ExitStack() as held:
        try:
            predecessor = _take(data_dir / "delivery", owner, held)
        except OSError:
            predecessor = ""
        yield Slot(owner, predecessor)


def _take(directory: Path, owner: str, held: ExitStack) -> str:
    """Lock the first file that is free, and return what it had."""
    directory.mkdir(parents=True, exist_ok=True)
    for number in count():
        file = (directory / str(number)).open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        held.enter_context(file)
        file.seek(0)
        predecessor = file.read()
        file.truncate(0)
        file.write(owner)
        file.flush()
        return predecessor
    raise AssertionError
