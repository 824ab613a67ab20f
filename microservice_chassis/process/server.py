"""The server of a worker: uvicorn's, which takes connections and ends in a way of its own."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

from uvicorn.config import STARTUP_FAILURE, Config
from uvicorn.server import Server as UvicornServer

from microservice_chassis.process.http_protocol import HttpProtocol
from microservice_chassis.process.listener import Listener
from microservice_chassis.process.seats import Seat


class Server(UvicornServer):
    """Serves an application on sockets that the other workers listen on, too."""

    def __init__(self, config: Config, seat: Seat) -> None:
        super().__init__(config)
        self._seat = seat
        self._listeners: Sequence[Listener] = ()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, and then to take connections."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        self.servers = []  # uvicorn's own way to listen
        self._listeners = [
            Listener(listening, self._make_protocol, self._seat) for listening in sockets or ()
        ]
        for listener in self._listeners:
            listener.start()
        self.started = True

    async def on_tick(self, counter: int) -> bool:
        """Tell the other workers, ten times a second, that this one is not stuck."""
        self._seat.beat()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve all who have been connected when the end began, and stop the application."""
        for listener in self._listeners:
            await listener.close()
        await super().shutdown(sockets)

    def _make_protocol(self) -> HttpProtocol:
        return HttpProtocol(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            on_lost=self._seat.connection_lost,
        )
