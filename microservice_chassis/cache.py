"""The response cache: falcon-caching's, made coherent.

Once a write has been answered, no GET that starts later shows the state before it.
`stamps` says how; docs/cache.md says which part of falcon-caching is replaced, and why.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import falcon
import falcon.asgi
from falcon_caching import AsyncCache
from falcon_caching.async_backends.base import BaseCache
from falcon_caching.async_middleware import Middleware

from microservice_chassis.conditional import not_modified
from microservice_chassis.lru_cache import Entry, LruCache
from microservice_chassis.stamps import SharedStamps

AsgiMessage = Mapping[str, Any]
AsgiReceive = Callable[[], Awaitable[AsgiMessage]]
AsgiSend = Callable[[AsgiMessage], Awaitable[None]]
Responder = Callable[..., Awaitable[None]]

_logger = logging.getLogger(__name__)


class CoherentCache(AsyncCache):  # type: ignore[misc]  # falcon-caching comes without types
    """The cache of one service, made before its workers are forked."""

    def __init__(self, kind: str, timeout_s: int, stamps: SharedStamps) -> None:
        """`kind` is falcon-caching's CACHE_TYPE: `simple` or `null`.

        `timeout_s` bounds how long a write that bypasses the service can go unseen.
        """
        super().__init__({"CACHE_TYPE": kind, "CACHE_DEFAULT_TIMEOUT": timeout_s})
        if kind == "simple":
            self.cache = LruCache()
        self.stamps = stamps

    @property
    def middleware(self) -> CoherentMiddleware:
        """Falcon's side of the cache."""
        return CoherentMiddleware(self.cache, self.config, self.stamps)

    @staticmethod
    def cached(responder: Responder) -> Responder:
        """Decorate an `on_get` whose answer depends on nothing but its path and its query."""

        @functools.wraps(responder)
        async def on_get(
            resource: object, req: falcon.asgi.Request, resp: falcon.asgi.Response, **params: str
        ) -> None:
            middleware: CoherentMiddleware = req.context.cache
            respond = functools.partial(responder, resource, req, resp, **params)
            await middleware.answer(req, resp, respond)
            if not_modified(req.get_header("If-None-Match"), resp.headers["etag"]):
                resp.status = falcon.HTTP_304
                resp.data = None

        return on_get


class CoherentMiddleware(Middleware):  # type: ignore[misc]  # falcon-caching comes without types
    """Answers hits before Falcon sees them, and keeps what the decorated responders answer."""

    # NOTE: what falcon-caching does here is done in _answer_hit() and answer().
    process_resource = None
    process_response = None

    def __init__(self, cache: BaseCache, config: Mapping[str, Any], stamps: SharedStamps) -> None:
        super().__init__(cache, config)
        self._stamps = stamps
        self._timeout_s: int = config["CACHE_DEFAULT_TIMEOUT"]
        self._on = False
        self._flights: dict[tuple[str, int], asyncio.Future[Entry]] = {}

    async def process_startup(self, scope: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        """Switch the cache on in a worker that shares its stamps with the others."""
        if self.cache_config["CACHE_TYPE"] == "null":
            return
        self._on = self._stamps.shared
        if not self._on:
            _logger.warning(
                "the response cache is off: this worker was started in a way"
                " in which it cannot know of the others' writes"
            )

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Lead the decorated responders here."""
        req.context.cache = self

    def in_front_of(self, app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """Return an ASGI application that answers hits itself and leaves the rest to `app`.

        Falcon takes nearly three times as long to arrive at the same answer.
        """

        async def application(
            scope: Mapping[str, Any], receive: AsgiReceive, send: AsgiSend
        ) -> None:
            if not (
                self._on
                and scope["type"] == "http"
                and scope["method"] in ("GET", "HEAD")
                and await self._answer_hit(scope, send)
            ):
                await app(scope, receive, send)

        return application

    async def _answer_hit(self, scope: Mapping[str, Any], send: AsgiSend) -> bool:
        """Answer from the cache, and return whether that could be done."""
        entry = await self._valid_entry(self.generate_cache_key(scope))
        if entry is None:
            return False
        if_none_match = None
        for name, value in scope["headers"]:
            # NOTE: any other Accept needs a closer look, which Falcon has.
            if name == b"accept" and value not in (b"*/*", b"application/json"):
                return False
            if name == b"if-none-match":
                if_none_match = value.decode("latin-1")
        body = b""
        if not_modified(if_none_match, entry.headers["etag"]):
            await send(entry.not_modified)
        else:
            await send(entry.start)
            if scope["method"] == "GET":
                body = entry.data
        await send({"type": "http.response.body", "body": body})
        return True

    async def answer(
        self,
        req: falcon.asgi.Request,
        resp: falcon.asgi.Response,
        respond: Callable[[], Awaitable[None]],
    ) -> None:
        """Answer a GET; equal ones that come while `respond` is at work get the same answer.

        Raises:
            whatever `respond` raises, for each of those; it is not kept.
        """
        resp.set_header("Cache-Control", "no-cache")
        key = self.generate_cache_key(req.scope)
        slot = self._stamps.slot(stamp_name(req.path))
        # NOTE: the stamp is taken before the database is asked: if it changes meanwhile,
        #   what is kept here is never a hit.
        stamp = self._stamps.current(slot)
        if not self._on or not self._stamps.settled(stamp):
            resp.set_header("Cache-Status", "eventpost; fwd=bypass")
            await respond()
            return
        entry = await self._valid_entry(key)
        status = "eventpost; hit"
        if entry is None and (key, stamp) in self._flights:
            entry = await asyncio.shield(self._flights[key, stamp])
            status = "eventpost; fwd=miss; collapsed"
        if entry is None:
            await self._fly(key, slot, stamp, resp, respond)
            status = "eventpost; fwd=miss; stored"
        else:
            resp.set_headers(entry.headers)
            resp.data = entry.data
        resp.set_header("Cache-Status", status)

    async def _fly(
        self,
        key: str,
        slot: int,
        stamp: int,
        resp: falcon.asgi.Response,
        respond: Callable[[], Awaitable[None]],
    ) -> None:
        """Answer, and keep the answer; it is there for equal requests as soon as it is known."""
        flight = asyncio.get_running_loop().create_future()
        self._flights[key, stamp] = flight
        try:
            await respond()
            entry = _entry(slot, stamp, time.monotonic() + self._timeout_s, resp)
            await self.cache.set(key, entry)
            flight.set_result(entry)
        except BaseException as error:
            flight.set_exception(error)
            flight.exception()  # it is raised here; nobody else has to ask for it
            raise
        finally:
            del self._flights[key, stamp]

    async def _valid_entry(self, key: str) -> Entry | None:
        """Return what is kept for a key, if it was computed from the current state."""
        entry: Entry | None = await self.cache.get(key)
        if (
            entry is not None
            and entry.stamp == self._stamps.current(entry.slot)
            and entry.expires_s > time.monotonic()
        ):
            return entry
        return None

    @staticmethod
    def generate_cache_key(scope: Mapping[str, Any]) -> str:
        """Return the path and the query of a request, with the parameters in one order."""
        path: str = scope["path"]
        query: bytes = scope["query_string"]
        if b"&" in query:
            query = b"&".join(sorted(query.split(b"&")))
        return f"{path.removesuffix('/')}?{query.decode('latin-1')}"


def stamp_name(path: str) -> str:
    """Return the name of the stamp on which the answer at a path depends.

    `Dator` changes it under the same one: the collection's path, and the id behind a slash.
    """
    return path.strip("/").lower()


def _entry(slot: int, stamp: int, expires_s: float, resp: falcon.asgi.Response) -> Entry:
    """Return an entry for what a responder has answered."""
    headers = resp.headers
    data = resp.data or b""
    hit = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in (headers | {"cache-status": "eventpost; hit"}).items()
    ]
    content = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(data)),
    ]
    start = {"type": "http.response.start", "status": 200, "headers": [*hit, *content]}
    not_modified = {"type": "http.response.start", "status": 304, "headers": hit}
    return Entry(slot, stamp, expires_s, headers, data, start, not_modified)
