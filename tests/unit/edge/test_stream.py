"""An answer that is sent part by part ends with its client."""

from __future__ import annotations

import asyncio

import pytest

from microservice_chassis.edge.asgi import Message, Receive, Scope, Send
from microservice_chassis.edge.stream import while_connected

SCOPE: Scope = {"type": "http", "method": "GET"}


class Client:
    """A client that sends a body, as a read may have one, and leaves when it is told to."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.sent: list[Message] = []
        self._content = [b"some", b"content"]

    async def receive(self) -> Message:
        if self._content:
            return {"type": "http.request", "body": self._content.pop(0), "more_body": True}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)


async def test_an_answer_is_sent_and_its_application_returns() -> None:
    client = Client()

    async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
        assert await receive() == {"type": "http.request", "body": b"", "more_body": False}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all"})

    await while_connected(answer, SCOPE, client.receive, client.send)
    assert [message["type"] for message in client.sent] == [
        "http.response.start",
        "http.response.body",
    ]


async def test_an_application_that_answers_nobody_is_ended() -> None:
    client = Client()
    cleaned_up = False

    async def answer_for_ever(_scope: Scope, _receive: Receive, send: Send) -> None:
        nonlocal cleaned_up
        try:
            while True:
                await send({"type": "http.response.body", "body": b"more", "more_body": True})
                client.left.set()
                await asyncio.sleep(0)
        finally:
            cleaned_up = True

    async with asyncio.timeout(10):
        await while_connected(answer_for_ever, SCOPE, client.receive, client.send)
    assert cleaned_up


async def test_what_an_application_raises_is_raised() -> None:
    client = Client()

    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.sleep(0)
        raise LookupError("nothing")

    with pytest.raises(LookupError, match="nothing"):
        await while_connected(fail, SCOPE, client.receive, client.send)


async def test_a_worker_that_ends_ends_the_application_too() -> None:
    client = Client()
    answering = asyncio.Event()
    cancelled = False

    async def answer_late(_scope: Scope, _receive: Receive, _send: Send) -> None:
        nonlocal cancelled
        answering.set()
        try:
            await asyncio.Future()
        except asyncio.CancelledError:
            cancelled = True
            raise

    task = asyncio.create_task(while_connected(answer_late, SCOPE, client.receive, client.send))
    await answering.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled
