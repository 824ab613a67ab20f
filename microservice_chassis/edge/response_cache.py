"""The response cache: a layer that answers reads from memory, and never wrong.

Once a write has been answered, no GET that starts later shows the state before it: an entry counts
only while the version stamp is unchanged that was taken before the database was read for it.
docs/cache.md says why that holds.
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from microservice_chassis.caching.entry import Entry
from microservice_chassis.caching.store import NOTHING, Found, Store
from microservice_chassis.edge.asgi import (
    Application,
    Headers,
    Message,
    Receive,
    Scope,
    Send,
    header,
)
from microservice_chassis.edge.conditional import not_modified
from microservice_chassis.edge.origin import origin_of, path_of
from microservice_chassis.edge.request_collapsing import RequestCollapsing
from microservice_chassis.edge.request_log import CACHE
from microservice_chassis.edge.routes import ROUTE, Route
from microservice_chassis.edge.stream import while_connected

# RFC 9211.
_HIT = (b"cache-status", b"eventpost; hit")
_STORED = (b"cache-status", b"eventpost; fwd=miss; stored")
_COLLAPSED = (b"cache-status", b"eventpost; fwd=miss; collapsed")
_BYPASS = (b"cache-status", b"eventpost; fwd=bypass")

# What describes the content of an answer, and so is not in one without any.
_OF_CONTENT = (b"content-type", b"content-length")

_logger = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What the application answers, complete."""

    status: int
    headers: Headers
    body: bytes


class Read(NamedTuple):
    """The result of a read: an entry, or an answer that is none, and how it came about."""

    result: Entry | Answer
    cache_status: tuple[bytes, bytes]
    reader: Scope


class ResponseCache:
    """An ASGI application that answers hits itself, and keeps what another one answers."""

    def __init__(self, app: Application, store: Store, *, path_varies: bool = False) -> None:
        """`path_varies` says that links depend on the path below which a client is served."""
        self._app = app
        self._path_varies = path_varies
        self._store = store
        self._collapsing: RequestCollapsing[Read] = RequestCollapsing()
        self._failed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a read of what is kept, or leave a request to the application.

        Of several representations that is the first one, which most clients prefer.
        """
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        route: Route = scope[ROUTE]
        accept = if_none_match = None
        for field, value in scope["headers"]:
            if field == b"accept":
                accept = value if accept is None else accept + b"," + value
            elif field == b"if-none-match":
                if_none_match = value if if_none_match is None else if_none_match + b"," + value
        offer = route.offer
        if route.stamp is None or (
            accept is not None and offer.choose(accept) != offer.media_types[0]
        ):
            await while_connected(self._app, scope, receive, send)
            return
        query = scope["query_string"]
        key = _key(route.key, query) if query else route.key
        if route.absolute:
            key = f"{origin_of(scope).url} {key}"
        elif self._path_varies:
            key = f"{path_of(scope)} {key}"
        result: Entry | Answer | None = self._store.at_hand(key)
        cache_status = _HIT
        if result is None:
            read = await self._read_or_join(key, route.stamp, scope, receive)
            result = read.result
            cache_status = read.cache_status if read.reader is scope else _COLLAPSED
        scope[CACHE] = cache_status[1]
        with_content = scope["method"] == "GET"
        start, body = _messages(result, cache_status, if_none_match, with_content)
        await send(start)
        await send(body)

    async def _read_or_join(self, key: str, name: str, scope: Scope, receive: Receive) -> Read:
        found = await self._find(key, name)
        if found.entry is not None:
            return Read(found.entry, _HIT, scope)

        async def ask(waited: bool) -> Read:
            stamped = await self._find(key, name) if waited else found
            return await self._read(key, stamped, scope, receive)

        return await self._collapsing.read(key, ask)

    async def _read(self, key: str, found: Found, scope: Scope, receive: Receive) -> Read:
        """Ask the application, and keep what it answers, under the stamp that was found before.

        So an entry never counts that was computed from what a write has changed meanwhile.
        """
        if found.entry is not None:
            return Read(found.entry, _HIT, scope)
        answer = await _collect(self._app, _unconditional(scope), receive)
        if answer.status != 200 or header(answer.headers, b"etag") is None:
            return Read(answer, _BYPASS, scope)
        entry = Entry(tuple(answer.headers), answer.body)
        if found.stamp is None or header(answer.headers, b"cache-control") == b"no-store":
            return Read(entry, _BYPASS, scope)
        await self._keep(key, found.stamp, entry)
        return Read(entry, _STORED, scope)

    async def _find(self, key: str, name: str) -> Found:
        try:
            return await self._store.find(key, name)
        except Exception:
            self._report()
            return NOTHING

    async def _keep(self, key: str, stamp: Any, entry: Entry) -> None:
        try:
            await self._store.keep(key, stamp, entry)
        except Exception:
            self._report()

    def _report(self) -> None:
        """Log the first failure of the store; reads go on without it."""
        if not self._failed:
            self._failed = True
            _logger.exception("the response cache fails; reads go to the database")


def _key(name: str, query: bytes) -> str:
    """Return the key of a read: its resource, and its parameters in one order."""
    if b"&" in query:
        query = b"&".join(sorted(query.split(b"&")))
    return f"{name}?{query.decode('latin-1')}"


def _unconditional(scope: Scope) -> Scope:
    """Return a GET for the whole of an answer: what a client has already is looked at behind it."""
    headers = [each for each in scope["headers"] if each[0] != b"if-none-match"]
    return {**scope, "method": "GET", "headers": headers}


async def _collect(app: Application, scope: Scope, receive: Receive) -> Answer:
    """Return what an application answers to a request."""
    start: Message = {}
    body: list[bytes] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            body.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(start["status"], start["headers"], b"".join(body))


def _messages(
    result: Entry | Answer,
    cache_status: tuple[bytes, bytes],
    if_none_match: bytes | None,
    with_content: bool,
) -> tuple[Message, Message]:
    """Return the messages of an answer; of an entry that the client has already, 304."""
    headers = list(result.headers)
    body = result.body if with_content else b""
    if isinstance(result, Answer):
        status = result.status
    else:
        status = 200
        if if_none_match is not None and not_modified(if_none_match, result.etag):
            headers = [each for each in headers if each[0] not in _OF_CONTENT]
            status, body = 304, b""
        headers.append(cache_status)
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )
