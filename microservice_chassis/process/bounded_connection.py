"""A connection with an end: whoever holds it without using it is cut off after a time.

uvicorn bounds the time between two requests, and nothing else. Here a request must arrive
in full within a time, its answer must be taken, and a client that still sends when its
connection closes is not listened to for long.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from microservice_chassis.process.cork import Cork

REQUEST_TIMEOUT_S = 10.0

# In this time a client must take so much of an answer that waits for it, or all that is left.
WRITE_TIMEOUT_S = 10.0
LEAST_TAKEN_BYTES = 16 * 1024

# A client that is still sending has so much time to read its answer, and so much of what it sends
# is thrown away, before the connection is cut (RFC 9112, section 9.6).
LINGER_S = 2.0
LINGER_BYTES = 4 * 1024 * 1024

# A worker that ends waits so long for the next request of a client that has just made one.
LAST_REQUEST_S = 2.0

# To close and send no more (socket(7), SO_LINGER): on, after 0 seconds.
_RESET = struct.pack("ii", 1, 0)


class BoundedConnection(HttpToolsProtocol):
    """What bounds a connection in time; what is sent over it is up to a subclass."""

    # The request that is being answered, or was the last one.
    answering: RequestResponseCycle | None = None

    # Whether what still comes is thrown away.
    deaf = False

    # Whether the worker ends, and with it this connection.
    ending = False

    in_request = False
    half_closed = False

    _deadline: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _linger: asyncio.TimerHandle | None = None
    _unsent = 0
    _discarded = 0

    def __init__(self, *args: Any, on_lost: Callable[[], None], **kwargs: Any) -> None:
        """`on_lost` is called when the connection is no more."""
        super().__init__(*args, **kwargs)
        self._on_lost = on_lost

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the client time for its first request."""
        super().connection_made(transport)
        self.cork = Cork(transport, self.close)
        self.arm_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell those who are answering, and forget all deadlines."""
        for timer in (self._deadline, self._stall, self._linger, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        self.pipeline.clear()
        if self.is_answering:
            self.abandon(self.answering)
        super().connection_lost(exc)
        self._on_lost()

    @property
    def is_answering(self) -> bool:
        """Whether an answer is still due to a request that has arrived."""
        cycle = self.answering
        return cycle is not None and not (cycle.response_complete or cycle.disconnected)

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be answered."""
        return self._linger is not None or self.transport.is_closing()

    def abandon(self, cycle: RequestResponseCycle | None) -> None:
        """Tell an application that nobody waits for its answer."""
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()

    def close(self) -> None:
        """Close the connection behind what has been answered.

        A client that has not sent all of its request is given time to read the answer:
        closed at once, with something unread, a connection is reset, and the answer lost.
        """
        if self.is_closed:
            return
        self.deaf = True
        self.disarm_deadline()
        self._unset_keepalive_if_required()
        if self.in_request and not self.half_closed:
            self.transport.write_eof()
            self._linger = self.loop.call_later(LINGER_S, self.transport.close)
            self.flow.resume_reading()
        else:
            self.transport.close()
        if self.transport.get_write_buffer_size():
            self._watch_writing()

    def discard(self, data: bytes) -> None:
        """Throw away what a client sends that is not listened to, and stop reading at last."""
        self._discarded += len(data)
        if self._discarded > LINGER_BYTES:
            self.flow.pause_reading()

    def arm_deadline(self) -> None:
        """Give the client time for the rest of its request."""
        if self._deadline is None and not self.deaf:
            self._deadline = self.loop.call_later(REQUEST_TIMEOUT_S, self._on_deadline)

    def disarm_deadline(self) -> None:
        """Take the request as complete."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def on_late_request(self) -> None:
        """Do what there is to do about a request that did not arrive in time."""
        self.close()

    def _on_deadline(self) -> None:
        self._deadline = None
        if self.flow.read_paused:
            # It is the server that does not read.
            self.arm_deadline()
        else:
            self.on_late_request()

    def pause_writing(self) -> None:
        """Stop the application, and see to it that the client takes its answer."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """Let the application go on."""
        super().resume_writing()
        if self._stall is not None and not self.transport.is_closing():
            self._stall.cancel()
            self._stall = None

    def _watch_writing(self) -> None:
        if self._stall is None:
            self._unsent = self.transport.get_write_buffer_size()
            self._stall = self.loop.call_later(WRITE_TIMEOUT_S, self._on_stall)

    def _on_stall(self) -> None:
        self._stall = None
        unsent = self.transport.get_write_buffer_size()
        if unsent > max(0, self._unsent - LEAST_TAKEN_BYTES):
            # NOTE: a reset, so that the system forgets, too, what it has been given to send.
            self.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET
            )
            self.transport.abort()
        elif unsent:
            self._watch_writing()

    def await_next_request(self) -> None:
        """Keep the connection for as long as it may be idle."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            LAST_REQUEST_S if self.ending else self.timeout_keep_alive, self._on_idle
        )

    def _on_idle(self) -> None:
        if self._unread() and not self.flow.read_paused:
            # The next request has just arrived, and is about to be read.
            self.await_next_request()
        else:
            self.close()

    def _unread(self) -> bool:
        """Whether something has arrived that is not yet read (ioctl_tty(2), FIONREAD)."""
        fd = self.transport.get_extra_info("socket").fileno()
        return any(fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))

    def shutdown(self) -> None:
        """End the connection behind what the client has asked, or is about to ask.

        Told to close by an answer, it makes its next request on another connection.
        One that has been idle for long is closed at once.
        """
        self.ending = True
        if self.is_answering or self.pipeline:
            if not self.cycle.response_started:
                self.cycle.keep_alive = False
        elif not self.in_request and not self.deaf:
            self._end_idle()

    def _end_idle(self) -> None:
        """Close a connection that waits for a request, but for one that is in use."""
        if self.timeout_keep_alive_task is not None:
            idle_since = self.timeout_keep_alive_task.when() - self.timeout_keep_alive
        elif self._deadline is not None:
            idle_since = self._deadline.when() - REQUEST_TIMEOUT_S
        else:
            return
        self.disarm_deadline()
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_at(
            max(idle_since + LAST_REQUEST_S, self.loop.time()), self._on_idle
        )
