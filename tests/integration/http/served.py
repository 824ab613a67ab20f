"""A service as its tests over ASGI see it, and what each of its problems must be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import uuid4

from events_microservice.app import create_app as create_events
from events_microservice.settings import Settings as EventsSettings
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.process.shared_file import SharedFile, make
from microservice_chassis.storage.client import connect
from notifications_microservice.app import create_app as create_notifications
from notifications_microservice.settings import Settings as NotificationsSettings
from tests.integration.asgi import Answer, AsgiClient
from tests.services import KINDS

# More than any problem needs, however long the request.
LONGEST_PROBLEM_BYTES = 16 * 1024

_SERVICES: dict[str, tuple[Any, Any]] = {
    "events": (create_events, EventsSettings),
    "notifications": (create_notifications, NotificationsSettings),
}


class Served(NamedTuple):
    """A worker of a service, the path of its collection, and a document for it."""

    worker: AsgiClient
    collection: str
    example: dict[str, Any]

    @property
    def body(self) -> bytes:
        return json.dumps(self.example).encode()

    async def create(self) -> str:
        """Create a resource, and return its path."""
        answer = await self.worker.request("POST", self.collection, self.body)
        assert answer.status == 201
        return answer.headers["location"]


async def searchable(served: Served) -> None:
    """Return when the indexes are built; until then a search is refused with 503."""
    while True:
        answer = await served.worker.request("GET", f"{served.collection}?sort=updated_at")
        if answer.status == 200:
            return
        assert "is being built" in problem(answer, 503)["detail"]
        assert answer.headers["retry-after"] == "1"


@asynccontextmanager
async def serving(name: str, mongodb: EmbeddedMongoDB, **settings: Any) -> AsyncIterator[Served]:
    """A service of that name, on a fresh database unless told."""
    create, kind = _SERVICES[name]
    example, _ = KINDS[name]
    settings_ = kind(**{"mongodb_database": f"test-{uuid4()}", **settings})
    shared = SharedFile(make(settings_.web_concurrency))
    async with (
        connect(mongodb.uri) as client,
        AsgiClient(create(settings_, client=client, shared=shared)) as worker,
    ):
        yield Served(worker, f"/{name}", example)


def problem(answer: Answer, status: int) -> dict[str, Any]:
    """The problem document of an answer, which must be complete and not too long."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.body) <= LONGEST_PROBLEM_BYTES
    document: dict[str, Any] = json.loads(answer.body)
    assert document["status"] == status
    assert document["title"]
    assert document["detail"].endswith(".")
    assert 0 < len(document.get("errors", [None])) <= 20
    return document
