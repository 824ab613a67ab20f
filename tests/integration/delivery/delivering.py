"""A dispatcher that delivers while a test looks on, and what it has delivered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from microservice_chassis.process.shared_file import SharedFile, make
from notifications_microservice.delivery.dispatcher import Dispatcher
from notifications_microservice.delivery.program import Parts, make_dispatcher
from notifications_microservice.delivery.slot import Slot
from notifications_microservice.delivery.smtp_url import smtp_server
from notifications_microservice.settings import Settings
from tests.integration.delivery.post import Post
from tests.smtp_server import SmtpServer

DEADLINE_S = 10.0

ALONE = Slot("me", "")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that happens at once, or else not within a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def delivering(
    post: Post, smtp: SmtpServer, slot: Slot = ALONE, **settings: Any
) -> AsyncIterator[Dispatcher]:
    """A dispatcher that runs meanwhile, and then ends as after SIGTERM."""
    with_defaults = Settings(
        smtp_url=smtp.url, mail_from="events@example.org", **{"delivery_concurrency": 3, **settings}
    )
    parts = Parts(with_defaults, SharedFile(make(1)), smtp_server(smtp.url), "events@example.org")
    dispatcher = make_dispatcher(parts, post.dator, slot)
    stop = asyncio.Event()
    running = asyncio.create_task(dispatcher.run(stop, asyncio.Event()))
    try:
        yield dispatcher
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await running


async def until_statuses(post: Post, *expected: str) -> None:
    async def reached() -> bool:
        return await post.statuses() == list(expected)

    await until(reached)


def message_ids(*identifiers: str, edition: int = 1) -> set[str]:
    return {f"<{each}.{edition}@example.org>" for each in identifiers}


def delivered(smtp: SmtpServer, ids: set[str]) -> dict[str, int]:
    """How often each of some messages was accepted."""
    times = smtp.times()
    return {each: times[each] for each in ids if times[each]}
