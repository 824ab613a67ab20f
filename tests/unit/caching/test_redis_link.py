"""The circuit breaker in front of Redis: when one that was lost may prove itself."""

from __future__ import annotations

from multiprocessing import get_context

import pytest
from redis.exceptions import RedisError

from microservice_chassis.caching.redis_link import RedisLink
from tests.clock import Clock


@pytest.fixture
def link(clock: Clock) -> RedisLink:
    return RedisLink("redis://127.0.0.1:1/0", clock.now_s)


def come_back(link: RedisLink, clock: Clock) -> None:
    """Prove itself as soon as it may."""
    while link.resting:
        clock.pass_ms(50)
    link.prove()
    link.report_back()


async def answered() -> bytes:
    return b"PONG"


async def refused() -> bytes:
    raise RedisError("it is read-only")


async def test_a_lost_redis_is_not_asked_until_it_has_proved_itself(
    link: RedisLink, clock: Clock
) -> None:
    assert await link.attempt(answered) == b"PONG"
    assert await link.attempt(refused) is None
    assert link.lost
    assert await link.attempt(answered) is None
    come_back(link, clock)
    assert await link.attempt(answered) == b"PONG"


def test_one_that_was_lost_once_is_tried_soon(link: RedisLink, clock: Clock) -> None:
    for _ in range(5):
        link.lose(RedisError("it does not answer"))
        clock.pass_ms(300)
        assert not link.resting
        come_back(link, clock)
        clock.pass_ms(61_000)


def test_one_that_comes_and_goes_rests_longer_each_time(
    link: RedisLink, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Like one that is full, and has room for a moment whenever an entry has expired."""
    began = clock.now_ns
    while clock.now_ns < began + 600 * 1_000_000_000:
        link.lose(RedisError("it is full"))
        come_back(link, clock)
        clock.pass_ms(100)
    assert caplog.text.count("is off") == caplog.text.count("is back") < 16
    clock.pass_ms(61_000)
    link.lose(RedisError("it does not answer"))
    clock.pass_ms(300)
    assert not link.resting


def test_a_worker_that_has_not_lost_redis_does_not_say_that_it_is_back(
    link: RedisLink, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """It shares with the one that has lost it only what was made before both were forked."""
    error = RedisError("it does not answer")
    other = get_context("fork").Process(target=link.lose, args=(error,))
    other.start()
    other.join()
    link.report_back()
    link.lose(error)
    assert caplog.text == ""
    come_back(link, clock)
    assert caplog.text.count("is back") == 1


def test_a_loss_is_reported_once_and_the_return_by_who_had_lost_it(
    link: RedisLink, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    link.report_back()
    for _ in range(3):
        link.lose(RedisError("it does not answer"))
    come_back(link, clock)
    for _ in range(3):
        link.report_back()
    assert [record.getMessage() for record in caplog.records] == [
        "the response cache is off: Redis cannot be used (it does not answer)",
        "the response cache is back",
    ]
