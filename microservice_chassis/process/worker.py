"""The Gunicorn worker: uvicorn's, with a server for clients that are not trusted.

One request: listener -> bounded connection -> HTTP protocol -> the application,
which answers through a cork.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from microservice_chassis.process.http_protocol import HttpProtocol
from microservice_chassis.process.seats import Seat, Seats
from microservice_chassis.process.server import Server

# What uvicorn says of an answer that has begun and not ended.
_INCOMPLETE = "ASGI callable returned without completing response"

# What the end may take: less than Gunicorn's graceful_timeout, at which it kills.
_SHUTDOWN_TIMEOUT_S = 4


class Worker(UvicornWorker):  # type: ignore[misc]  # it comes without type information
    """A Gunicorn worker that serves an ASGI application with HttpProtocol."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": HttpProtocol,
        "ws": "none",
        "lifespan": "on",
        # NOTE: whom to believe what they say of a request, `edge.origin` decides.
        "proxy_headers": False,
        "server_header": False,
        # NOTE: of every answer, also of a refusal: it is what its Content-Type says, and nothing
        #   that a browser makes of it (WHATWG Fetch, "X-Content-Type-Options").
        "headers": [("X-Content-Type-Options", "nosniff")],
        "timeout_graceful_shutdown": _SHUTDOWN_TIMEOUT_S,
    }

    # Where it has its connections counted; the master gives it one that the other workers see.
    seat: Seat

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seat = Seats(1).take()
        # NOTE: Gunicorn has said already that a worker starts, and will say that it ends.
        logger = logging.getLogger("uvicorn.error")
        logger.setLevel(logging.WARNING)
        logger.addFilter(_not_said_before)

    def init_signals(self) -> None:
        """Let SIGTERM end the worker with status 0 once it has finished what is in flight.

        uvicorn serves to the end and then raises the signal again,
        which without this handler would count as a crash.
        """
        super().init_signals()
        signal.signal(signal.SIGTERM, _exit)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        self._install_sigquit_handler()
        await Server(self.config, self.seat).serve(sockets=self.sockets)


def _not_said_before(record: logging.LogRecord) -> bool:
    """Whether uvicorn says more than that an answer was broken off.

    The application has said that, and of which request; of those that a worker breaks off when it
    ends, uvicorn says how many there are.
    """
    is_cancelled = record.exc_info is not None and record.exc_info[0] is asyncio.CancelledError
    return not is_cancelled and not record.getMessage().startswith(_INCOMPLETE)


def _exit(_signum: int, _frame: object) -> None:
    raise SystemExit(0)
