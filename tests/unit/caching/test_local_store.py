"""The store of one container: what it keeps while writes are under way, whatever they end as.

Each store here is a process of its own as far as the memory can tell.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from microservice_chassis.caching.attachment import Attachment
from microservice_chassis.caching.entry import Entry
from microservice_chassis.caching.local_store import LocalStore
from microservice_chassis.caching.store import Store
from microservice_chassis.process.shared_file import SharedFile, make, open_shared_file, publish
from microservice_chassis.storage.version_stamps import LONGEST_CHANGE_MS
from tests.clock import Clock

TIMEOUT_S = 60
ENTRY = Entry(((b"etag", b'"a"'),), b"[]")


def process(fd: int, clock: Clock) -> LocalStore:
    """A process to which the file was handed down."""
    return LocalStore(TIMEOUT_S, Attachment(SharedFile(fd), clock))


async def fail(store: Store, name: str, *, insert: bool = False) -> None:
    with suppress(TimeoutError):
        async with store.change(name, insert=insert):
            raise TimeoutError


async def die_over(store: Store, name: str, *, insert: bool = False) -> object:
    """Begin a write that does not end for as long as what is returned is kept."""
    write = store.change(name, insert=insert)
    await write.__aenter__()
    return write


async def is_kept(store: Store, name: str) -> bool:
    return (await store.find(name, name)).stamp is not None


@pytest.mark.parametrize("end", [fail, die_over])
async def test_a_list_is_not_kept_for_as_long_as_an_insert_may_still_happen(
    fd: int, clock: Clock, end: Callable[..., Awaitable[object]]
) -> None:
    writer, reader = process(fd, clock), process(fd, clock)
    before = await reader.find("events", "events")
    await reader.keep("events", before.stamp, ENTRY)
    _never_ended = await end(writer, "events", insert=True)
    assert not await is_kept(reader, "events")
    clock.pass_ms(LONGEST_CHANGE_MS + 1)
    assert not await is_kept(reader, "events")
    clock.pass_ms(TIMEOUT_S * 1000 - LONGEST_CHANGE_MS)
    assert await is_kept(reader, "events")
    assert reader.at_hand("events") is None


@pytest.mark.parametrize("end", [fail, die_over])
async def test_another_write_is_waited_for_as_long_as_its_deadline(
    fd: int, clock: Clock, end: Callable[..., Awaitable[object]]
) -> None:
    writer, reader = process(fd, clock), process(fd, clock)
    _never_ended = await end(writer, "events/1")
    clock.pass_ms(LONGEST_CHANGE_MS - 1)
    assert not await is_kept(reader, "events/1")
    clock.pass_ms(2)
    assert await is_kept(reader, "events/1")


async def test_a_write_that_is_cancelled_may_still_happen(fd: int, clock: Clock) -> None:
    """As when a worker ends: the driver has sent it, and nobody waits for the answer."""
    writer, reader = process(fd, clock), process(fd, clock)
    sent = asyncio.Event()

    async def write() -> None:
        async with writer.change("events/1"):
            sent.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(write())
    await sent.wait()
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    assert not await is_kept(reader, "events/1")
    clock.pass_ms(LONGEST_CHANGE_MS + 1)
    assert await is_kept(reader, "events/1")


class TestLauncherStartedAnew:
    """A process that was started by hand writes while the launcher is replaced."""

    @pytest.fixture
    def run(self, tmp_path: Path) -> Path:
        directory = tmp_path / "run"
        directory.mkdir()
        return directory

    @pytest.fixture
    def by_hand(self, fd: int, run: Path, clock: Clock) -> LocalStore:
        publish(fd, run)
        return LocalStore(TIMEOUT_S, Attachment(open_shared_file({}, run.parent, 7), clock))

    @pytest.fixture
    def successor(self) -> Iterator[int]:
        """The file of the next launcher, which nobody has found yet."""
        fd = make(7)
        yield fd
        os.close(fd)

    async def test_its_write_changes_the_stamps_of_both(
        self, by_hand: LocalStore, fd: int, successor: int, run: Path, clock: Clock
    ) -> None:
        old, new = process(fd, clock), process(successor, clock)
        for reader in (old, new):
            await reader.keep("events", (await reader.find("events", "events")).stamp, ENTRY)
        async with by_hand.change("events"):
            (run / "shared").unlink()
            publish(successor, run)
        assert old.at_hand("events") is new.at_hand("events") is None
        assert await is_kept(new, "events")

    async def test_what_it_has_kept_under_the_stamps_before_counts_no_longer(
        self, by_hand: LocalStore, successor: int, run: Path
    ) -> None:
        """Its number is that of the new stamp, too: both memories began as zeros."""
        await by_hand.keep("events", (await by_hand.find("events", "events")).stamp, ENTRY)
        assert by_hand.at_hand("events") is ENTRY
        (run / "shared").unlink()
        assert by_hand.at_hand("events") is None, "nobody knows who else writes"
        publish(successor, run)
        assert by_hand.at_hand("events") is None
        assert await is_kept(by_hand, "events")

    async def test_its_write_that_changes_nothing_leaves_the_stamps_as_they_are(
        self, by_hand: LocalStore, successor: int, run: Path, clock: Clock
    ) -> None:
        new = process(successor, clock)
        await new.keep("events", (await new.find("events", "events")).stamp, ENTRY)
        async with by_hand.change("events") as change:
            (run / "shared").unlink()
            publish(successor, run)
            change.made = False
        assert new.at_hand("events") is ENTRY

    async def test_its_write_that_fails_may_still_happen(
        self, by_hand: LocalStore, successor: int, run: Path, clock: Clock
    ) -> None:
        new = process(successor, clock)
        with suppress(TimeoutError):
            async with by_hand.change("events"):
                (run / "shared").unlink()
                publish(successor, run)
                raise TimeoutError
        assert not await is_kept(new, "events")
        clock.pass_ms(LONGEST_CHANGE_MS + 1)
        assert await is_kept(new, "events")
