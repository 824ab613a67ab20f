"""A TCP proxy that holds what a client says, and passes it on later."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class HoldingProxy:
    """Passes bytes on between its port and another one; a context manager in an event loop."""

    def __init__(self, target: int) -> None:
        """`target` is the port of this machine that it leads to."""
        self._target = target
        self._passing = asyncio.Event()
        self._passing.set()
        self.held = 0  # how many clients have said something that is held
        self._directions: set[asyncio.Task[None]] = set()
        self._clients: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, *_: type[BaseException] | BaseException | TracebackType | None
    ) -> None:
        self._server.close()
        for direction in self._directions:
            direction.cancel()
        await asyncio.gather(*self._directions, return_exceptions=True)

    def hold(self) -> None:
        """Pass on nothing that comes from a client, not even that it has gone."""
        self._passing.clear()

    def release(self) -> None:
        """Pass on what was held, in its order, and what comes then."""
        self._passing.set()

    def cut_off(self) -> None:
        """Reset the connections of all clients; what they have said stays held."""
        for client in self._clients:
            client.transport.abort()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self._clients.append(to_client)
        server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        for reader, writer, held in ((client, to_server, True), (server, to_client, False)):
            direction = asyncio.create_task(self._pass_on(reader, writer, held))
            self._directions.add(direction)
            direction.add_done_callback(self._directions.discard)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, held: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if held and not self._passing.is_set():
                    self.held += 1
                    await self._passing.wait()
                    self.held -= 1
                writer.write(data)
                await writer.drain()
        if held:
            await self._passing.wait()
        writer.close()
