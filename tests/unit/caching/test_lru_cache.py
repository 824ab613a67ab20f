from __future__ import annotations

from microservice_chassis.caching.entry import Entry
from microservice_chassis.caching.lru_cache import LruCache, Stamped


def entry(body: bytes) -> Stamped:
    return Stamped(0, Entry(((b"etag", b'"a"'),), body))


async def data(cache: LruCache, key: str) -> bytes | None:
    kept = await cache.get(key)
    return kept.entry.body if kept else None


async def test_what_was_not_used_for_longest_goes_first() -> None:
    cache = LruCache(60, entries=2)
    await cache.set("a", entry(b"a"))
    await cache.set("b", entry(b"b"))
    assert await cache.get("a")
    await cache.set("c", entry(b"c"))
    assert await cache.get("b") is None
    assert await cache.get("a")
    assert await cache.get("c")


async def test_the_bytes_are_bounded_too() -> None:
    cache = LruCache(60, size_bytes=10)
    await cache.set("a", entry(b"1234"))
    await cache.set("b", entry(b"1234"))
    await cache.set("c", entry(b"12345678"))
    assert [await data(cache, key) for key in "abc"] == [None, None, b"12345678"]
    await cache.set("d", entry(b"x" * 11))
    assert [await data(cache, key) for key in "abcd"] == [None] * 4


async def test_another_entry_for_a_key_takes_the_place_of_the_first() -> None:
    cache = LruCache(60, entries=1, size_bytes=4)
    for _ in range(10):
        await cache.set("a", entry(b"1234"))
    assert await data(cache, "a") == b"1234"
    assert await cache.delete("a")
    assert not await cache.delete("a")
    await cache.set("b", entry(b"5678"))
    assert await cache.get("b")


async def test_what_has_expired_is_not_there() -> None:
    cache = LruCache(60)
    await cache.set("a", entry(b"a"), timeout=-1)
    await cache.set("b", entry(b"b"))
    assert [await data(cache, key) for key in "ab"] == [None, b"b"]
