"""Streams: answers that are sent part by part, for as long as somebody reads them."""

from __future__ import annotations

import asyncio

from microservice_chassis.edge.asgi import Application, Message, Receive, Scope, Send


class CutOff(Exception):
    """An answer that has begun cannot be completed; the message says why."""


async def while_connected(app: Application, scope: Scope, receive: Receive, send: Send) -> None:
    """Let an application answer a read until it has, or until its client has gone.

    It is given no content of the request, which a read has no use for (RFC 9110, section 9.3.1).
    """
    # NOTE: to send to a client that has gone does nothing, and so an application would go on
    #   (HTTP & WebSocket ASGI spec, "Response Body"); only `receive` tells.
    answering = asyncio.ensure_future(app(scope, _receive_nothing, send))
    leaving = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            await answering
    finally:
        answering.cancel()
        leaving.cancel()
        await asyncio.gather(answering, leaving, return_exceptions=True)


async def _receive_nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _disconnected(receive: Receive) -> None:
    """Return when the client has gone; what it sends meanwhile is thrown away."""
    while (await receive())["type"] != "http.disconnect":
        pass
