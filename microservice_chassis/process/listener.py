"""The listener: how a worker takes connections from a socket that all workers listen on."""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import select
import socket
import struct
import sys
from collections.abc import Callable

from microservice_chassis.process.seats import Seat

# A worker whose turn it is not looks again after so long, and so often, before it takes
# the connections all the same: those whose turn it is may be stuck.
LOOK_INTERVAL_S = 0.001
LOOKS = 10

# One beyond the number of cores looks again after so long, as long as the first ones do take
# connections: each look costs what else would serve a request.
BUSY_INTERVAL_S = 0.01

# A worker that can take no more connections looks again after so long.
FULL_INTERVAL_S = 0.1

# Files that are kept for what the application opens to answer those who are connected.
RESERVED_FILES = 64

# Where tcp_info (tcp(7)) has the length of the queue of a socket that listens: tcpi_unacked.
_QUEUE_OFFSET = 24

_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_logger = logging.getLogger(__name__)


class Listener:
    """Takes a worker's share of the connections that wait at a socket."""

    def __init__(
        self, listening: socket.socket, make_protocol: Callable[[], asyncio.Protocol], seat: Seat
    ) -> None:
        """`listening` does not block."""
        self._socket = listening
        self._make_protocol = make_protocol
        self._seat = seat
        self._loop = asyncio.get_running_loop()
        self._limit = _most_connections()
        self._poll = select.poll()
        self._poll.register(listening, select.POLLIN)
        self._pause: asyncio.TimerHandle | None = None
        self._looks = 0
        self._taken = 0
        self._out_of_files = False
        self._connecting: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to take connections."""
        self._seat.beat()
        self._loop.add_reader(self._socket, self._on_readable)

    async def close(self) -> None:
        """Take all connections that wait, and listen no more."""
        self._seat.retire()
        if self._pause is None:
            self._loop.remove_reader(self._socket)
        else:
            self._pause.cancel()
        # NOTE: nobody may take what arrives behind the last look, so the end follows at once.
        self._accept(self._queue() + socket.SOMAXCONN)
        self._socket.close()
        if self._connecting:
            await asyncio.wait(self._connecting)

    def _on_readable(self) -> None:
        pause_s = self._look()
        if pause_s:
            # NOTE: it would be called again at once, as long as the connection waits.
            self._loop.remove_reader(self._socket)
            self._pause = self._loop.call_later(pause_s, self._on_pause_over)

    def _on_pause_over(self) -> None:
        pause_s = self._look() if self._poll.poll(0) else 0.0
        if pause_s:
            self._pause = self._loop.call_later(pause_s, self._on_pause_over)
        else:
            self._pause = None
            self._loop.add_reader(self._socket, self._on_readable)

    def _look(self) -> float:
        """Take this worker's share of what waits; return for how many seconds to stand back."""
        room = self._limit - self._seat.connections
        if room <= 0:
            return FULL_INTERVAL_S
        most = self._seat.share(max(1, self._queue()))
        if most == 0 and self._looks < LOOKS:
            return self._stand_back()
        self._looks = 0
        return self._accept(min(max(1, most), room))

    def _stand_back(self) -> float:
        """Return for how many seconds to stand back; count the looks while nobody takes one."""
        taken = self._seat.taken()
        if taken == self._taken:
            self._looks += 1
            return LOOK_INTERVAL_S
        self._taken = taken
        self._looks = 0
        return LOOK_INTERVAL_S if self._seat.is_first else BUSY_INTERVAL_S

    def _queue(self) -> int:
        """Return how many connections wait, or 0 where the socket does not tell."""
        if self._socket.family not in (socket.AF_INET, socket.AF_INET6):
            return 0
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUE_OFFSET + 4)
        length: int = struct.unpack_from("I", info, _QUEUE_OFFSET)[0]
        return length

    def _accept(self, most: int) -> float:
        """Take up to so many connections; return for how many seconds to stand back then."""
        for _ in range(most):
            try:
                connection, _address = self._socket.accept()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno not in _OUT_OF_FILES:
                    continue  # this client has gone already (accept(2), "Error handling")
                if not self._out_of_files:
                    self._out_of_files = True
                    _logger.warning("No more connections for now: %s", error.strerror)
                return FULL_INTERVAL_S
            self._out_of_files = False
            self._seat.connection_taken()
            task = self._loop.create_task(self._connect(connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)
        return 0.0

    async def _connect(self, connection: socket.socket) -> None:
        try:
            connection.setblocking(False)
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:
            # The client has gone already, before a protocol was made that would count it.
            connection.close()
            self._seat.connection_lost()


def _most_connections() -> int:
    """Return how many connections the limit on open files allows (getrlimit(2))."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    return limit - min(RESERVED_FILES, limit // 2)
