"""What one search took, and what MongoDB looked at for it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode, urlsplit

from pymongo.database import Database

from events_microservice.models.event_dator import EventDator
from tests.performance.search_data import Event

_TIMEOUT_S = 60.0

# Room for what MongoDB says of a few operations.
_PROFILE_BYTES = 1 << 24

_NAMES = {tuple(index.document["key"]): index.document["name"] for index in EventDator.indexes}


class Answer(NamedTuple):
    """The time from the first byte of a request to the last one of its answer, and its content."""

    took_ms: float
    events: list[Any]


class Client:
    """Searches over one keep-alive connection; a context manager."""

    def __init__(self, collection: str) -> None:
        """`collection` is the URL of the events."""
        url = urlsplit(collection)
        self._path = url.path
        self._connection = HTTPConnection(url.netloc, timeout=_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._connection.close()

    def search(self, parameters: Mapping[str, str]) -> Answer:
        """Search once."""
        target = f"{self._path}?{urlencode(parameters)}"
        begun_s = time.perf_counter()
        self._connection.request("GET", target)
        answer = self._connection.getresponse()
        content = answer.read()
        took_ms = (time.perf_counter() - begun_s) * 1000
        assert answer.status == 200, f"{target}: {answer.status} {content.decode()}"
        return Answer(took_ms, json.loads(content))


class Examined(NamedTuple):
    """What MongoDB looked at for one request, in all its operations.

    `by` is the index of the last of them.
    """

    documents: int
    keys: int
    returned: int  # to the client
    by: str


class Profile:
    """MongoDB's profiler (MongoDB manual, "Database Profiler") around single requests."""

    def __init__(self, database: Database[Event]) -> None:
        self._database = database

    def examined(self, client: Client, parameters: Mapping[str, str]) -> Examined:
        """Search once, and return what was looked at."""
        self._database.drop_collection("system.profile")
        self._database.create_collection("system.profile", capped=True, size=_PROFILE_BYTES)
        self._database.command("profile", 2)
        try:
            answer = client.search(parameters)
        finally:
            self._database.command("profile", 0)
        query = {"ns": f"{self._database.name}.Events"}
        operations = list(self._database["system.profile"].find(query).sort("$natural", 1))
        return Examined(
            sum(each.get("docsExamined", 0) for each in operations),
            sum(each.get("keysExamined", 0) for each in operations),
            len(answer.events),
            _index(operations[-1].get("planSummary", "")),
        )


def _index(summary: str) -> str:
    """Return the name of the index in the summary of a plan, `IXSCAN { title: 1, _id: 1 }, ...`."""
    first = summary.partition("{")[2].partition("}")[0]
    members = tuple(part.partition(":")[0].strip() for part in first.split(","))
    return str(_NAMES.get(members, "_id_" if members == ("_id",) else summary))
