"""The doorbell: how a process of a service wakes another one of the same container.

It is a socket for datagrams in `DATA_DIR/run`, which the launcher keeps for this service alone.
Whoever is woken listens at one of its own; whoever rings finds all that are there.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Doorbell:
    """The bells of one name on one machine, as one process sees them."""

    def __init__(self, data_dir: Path, name: str) -> None:
        self._directory = data_dir.resolve() / "run"
        self._prefix = f"{name}."

    @contextmanager
    def heard(self, listener: Callable[[], None]) -> Iterator[bool]:
        """Call a listener whenever somebody rings; gives False where there is no such directory.

        To be entered within a running event loop.
        """
        loop = asyncio.get_running_loop()
        with _unblocked_socket() as bell:
            name = f"{self._prefix}{os.getpid()}"
            try:
                with self._entered() as place:
                    # NOTE: a process of that number may have been killed.
                    (self._directory / name).unlink(missing_ok=True)
                    bell.bind(f"{place}/{name}")
            except OSError:
                yield False
                return
            loop.add_reader(bell, _take, bell, listener)
            try:
                yield True
            finally:
                loop.remove_reader(bell)
                with suppress(OSError):
                    (self._directory / name).unlink()

    def ring(self) -> bool:
        """Wake all who listen, and return whether there is one."""
        heard = False
        with suppress(OSError), self._entered() as place, _unblocked_socket() as ringer:
            for name in os.listdir(place):  # noqa: PTH208  # it is no path for long
                if name.startswith(self._prefix):
                    heard = _ring_at(f"{place}/{name}", ringer) or heard
        return heard

    @contextmanager
    def _entered(self) -> Iterator[str]:
        """Give a path of the directory that is short enough for a socket (unix(7))."""
        directory = os.open(self._directory, os.O_PATH | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{directory}"
        finally:
            os.close(directory)


def _unblocked_socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)


def _ring_at(bell: str, ringer: socket.socket) -> bool:
    try:
        ringer.sendto(b"", bell)
    except BlockingIOError:
        return True  # it has been rung, and not been looked after yet
    except OSError:
        return False  # whoever listened is no more
    return True


def _take(bell: socket.socket, listener: Callable[[], None]) -> None:
    with suppress(BlockingIOError):
        while True:
            bell.recv(1)
            listener()
