"""Stores in Redis that a test moves on step by step: no background, a clock of the test's own.

Each store is a worker of its own. Where Redis fails is decided by the test, not by chance.
"""

from __future__ import annotations

from microservice_chassis.caching.entry import Entry
from microservice_chassis.caching.store import Store

TIMEOUT_OF_ENTRIES_S = 60
ENTRY = Entry(((b"etag", b'"a"'),), b"[]")


async def deployment() -> str:
    return "test"


async def is_kept(store: Store, name: str = "events") -> bool:
    return (await store.find(name, name)).stamp is not None


async def is_hit(store: Store, name: str = "events") -> bool:
    return (await store.find(name, name)).entry is not None


async def keep(store: Store, name: str = "events") -> None:
    await store.keep(name, (await store.find(name, name)).stamp, ENTRY)
    assert await is_hit(store, name)
