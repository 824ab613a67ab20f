"""A worker of the events service in this process, and requests to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

from events_microservice.app import create_app
from events_microservice.settings import Settings
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.process.shared_file import SharedFile, make
from microservice_chassis.storage.client import connect

HIT = "eventpost; hit"
STORED = "eventpost; fwd=miss; stored"
BYPASS = "eventpost; fwd=bypass"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class AsgiClient:
    """An application that was started as a server starts it."""

    def __init__(self, app: Any, client: tuple[str, int] | None = None) -> None:
        """`client` is the address that requests come from."""
        self.app = app
        self._client = client
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        started = asyncio.Event()

        async def send(_: object) -> None:
            started.set()

        scope = {"type": "lifespan", "asgi": {"version": "3.0"}}
        self._events.put_nowait({"type": "lifespan.startup"})
        self._lifespan = asyncio.create_task(self.app(scope, self._events.get, send))
        await started.wait()
        return self

    async def __aexit__(
        self, *_: type[BaseException] | BaseException | TracebackType | None
    ) -> None:
        self._events.put_nowait({"type": "lifespan.shutdown"})
        await self._lifespan

    async def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Answer a request; `headers` that are no mapping can name a field more than once."""
        path, _, query = target.partition("?")
        given = headers.items() if isinstance(headers, Mapping) else headers
        fields = [("content-length", str(len(body))), *given]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields],
            "client": self._client,
        }
        messages: list[dict[str, Any]] = []
        content = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            # A client that stays until it has its answer.
            return content.pop() if content else await asyncio.Future()

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        start, *bodies = messages
        answered: dict[str, str] = {}
        for name, value in start["headers"]:  # over several lines it is one list
            before = answered.get(name.decode())
            answered[name.decode()] = (
                value.decode() if before is None else f"{before}, {value.decode()}"
            )
        return Answer(start["status"], answered, b"".join(each.get("body", b"") for each in bodies))


@asynccontextmanager
async def working(
    settings: Settings, mongodb: EmbeddedMongoDB, **collaborators: Any
) -> AsyncIterator[AsgiClient]:
    """An events service as a worker has it, whose siblings share its memory.

    Of the `collaborators` of its application, each is made where it is not given.
    """
    shared = SharedFile(make(settings.web_concurrency))
    async with (
        connect(mongodb.uri) as client,
        AsgiClient(
            create_app(settings, **{"client": client, "shared": shared, **collaborators})
        ) as worker,
    ):
        yield worker


def cache_status(answer: Answer) -> str:
    return answer.headers["cache-status"]


async def until_hit(worker: AsgiClient, path: str) -> None:
    """Read until the cache answers; one in Redis makes sure first that it may."""
    async with asyncio.timeout(30):
        while cache_status(await worker.request("GET", path)) != HIT:
            await asyncio.sleep(0.01)
