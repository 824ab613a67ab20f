"""A request with a body: what its application gets of it, and what becomes of the rest."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from uvicorn._types import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    HTTPScope,
    Scope,
)
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from microservice_chassis.process.cork import Cork
from microservice_chassis.process.request_head import Framing

# So much that nobody has asked for is read for the sake of the next request behind it.
SHORT_REST_BYTES = 64 * 1024


class _BodyBrokenOff(BaseException):
    """The connection was lost, or the request refused, in the middle of the body.

    It is no Exception, like asyncio.CancelledError: there is nobody left to answer.
    """


class RequestWithBody(RequestResponseCycle):
    """A request and its answer, where the request has a body.

    An application may take the end of a connection for that of the body, so what has been broken
    off ends it. Behind a long rest that it does not ask for, the connection closes.
    """

    def __init__(self, framing: Framing, scope: HTTPScope, cork: Cork, *arguments: Any) -> None:
        super().__init__(scope, cork, *arguments)
        self._cork = cork
        self._awaited = framing.awaited
        self._asked = False
        self._left = framing.length

    def arrive(self, body: bytes) -> None:
        """Take the next part of the body."""
        self._left -= len(body)
        if not self.response_complete:
            self.body += body
            self.message_event.set()

    async def run_asgi(self, app: ASGI3Application) -> None:
        """Run the application, until it has answered or the body is broken off."""

        async def run(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
            with suppress(_BodyBrokenOff):
                await app(scope, receive, send)

        await super().run_asgi(run)

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next part of the body; the first one is what has come with the head.

        Frameworks take a first part before they know what becomes of the request. So that one
        is not waited for, and a client that waits itself is told to continue for the second.
        """
        if self.more_body and not self.body and not self.disconnected:
            if not self._asked:
                self._asked = True
                return {"type": "http.request", "body": b"", "more_body": True}
            if self._awaited:
                self._cork.tell_to_continue()
        self._asked = True
        self._awaited = False
        event = await super().receive()
        if event["type"] == "http.disconnect" and self.more_body and not self.response_complete:
            raise _BodyBrokenOff
        return event

    async def send(self, message: ASGISendEvent) -> None:
        """Send the next part of the answer."""
        # NOTE: a client that was not told to continue may leave the body out.
        long_rest = self._awaited or self._left > SHORT_REST_BYTES
        if long_rest and self.more_body and not self.response_started:
            self.keep_alive = False
        await super().send(message)
