"""A layer of the edge, between an exchange and an application that shows who came through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from microservice_chassis.edge.asgi import Application, Message, Receive, Scope, Send
from microservice_chassis.edge.exchange import ExchangeLayer
from tests.routes import ROUTES

Fields = Sequence[tuple[str, str]]


class Answer(NamedTuple):
    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """The values of a header, a line each."""
        return [value for each, value in self.fields if each == name]


async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"etag", b'"1"'), (b"vary", b"Accept")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"through"})


async def ask(layer: Application, method: str, path: str, fields: Fields = ()) -> Answer:
    """What is answered to a request."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(name.encode(), value.encode("latin-1")) for name, value in fields]
    scope: Scope = {"type": "http", "method": method, "path": path, "headers": headers}
    await ExchangeLayer(layer, ROUTES)(scope, receive, send)
    start, body = sent
    answered = [(name.decode(), value.decode()) for name, value in start["headers"]]
    return Answer(start["status"], answered, body["body"])
