"""What the response cache needs of the place where its entries and its stamps are.

There are three: `NoStore`, `LocalStore` and `RedisStore`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, NamedTuple, Protocol

from falcon_caching.async_backends.base import BaseCache
from falcon_caching.async_backends.null import NullCache

# A stamp is the store's own matter; nobody else does more than compare and hash it.
Stamp = Any


class Entry:
    """A kept answer with status 200, and the stamp that was current before it was computed."""

    __slots__ = ("data", "headers", "not_modified", "stamp", "start")

    def __init__(self, stamp: Stamp, headers: Mapping[str, str], data: bytes) -> None:
        """`headers` are the answer's own: without its media type and its length."""
        self.stamp = stamp
        self.headers = headers
        self.data = data
        hit = [
            (b"cache-status", b"eventpost; hit"),
            *((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()),
        ]
        content = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(data)),
        ]
        # The ASGI messages that start a 200 and a 304.
        self.start: Mapping[str, Any] = _start(200, [*hit, *content])
        self.not_modified: Mapping[str, Any] = _start(304, hit)


class Found(NamedTuple):
    """What a store has for a key: an entry that is right, and the stamp for a new one.

    Without a stamp nothing may be kept: a write is under way, or the cache is off.
    """

    entry: Entry | None
    stamp: Stamp | None


NOTHING = Found(None, None)


class Stamps(Protocol):
    """Version stamps, as those who write need them (see `stamps`)."""

    def change(self, *names: str) -> AbstractAsyncContextManager[None]:
        """Around one write: change the stamps of what it touches, before it and after it."""


class Store(Stamps, Protocol):
    """Entries and stamps, as the response cache needs them."""

    entries: BaseCache

    async def start(self) -> None:
        """Begin to work in this worker; where that cannot be done, the cache stays off."""

    async def stop(self) -> None:
        """End what start() has begun."""

    async def find(self, key: str, name: str) -> Found:
        """Return the entry of a key, if the stamp of that name is still the entry's."""

    async def keep(self, key: str, entry: Entry) -> None:
        """Keep an entry for the time that was configured, in the place of others."""


class NoStore:
    """Keeps nothing."""

    entries = NullCache()

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""

    async def find(self, key: str, name: str) -> Found:  # noqa: ARG002
        """Return nothing."""
        return NOTHING

    async def keep(self, key: str, entry: Entry) -> None:
        """Forget it."""

    def change(self, *_names: str) -> AbstractAsyncContextManager[None]:
        """Change nothing."""
        return nullcontext()


def _start(status: int, headers: list[tuple[bytes, bytes]]) -> Mapping[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers}
