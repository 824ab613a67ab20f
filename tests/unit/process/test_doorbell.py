"""The doorbell: who rings wakes all who listen on this machine, and knows whether there is one."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from microservice_chassis.process.doorbell import Doorbell

DEADLINE_S = 5.0


async def test_who_rings_wakes_who_listens(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    rung = asyncio.Event()
    with Doorbell(tmp_path, "delivery").heard(rung.set) as listening:
        assert listening
        assert Doorbell(tmp_path, "delivery").ring()
        async with asyncio.timeout(DEADLINE_S):
            await rung.wait()
    assert list((tmp_path / "run").iterdir()) == []


async def test_nobody_hears_a_bell_of_another_name(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with Doorbell(tmp_path, "delivery").heard(lambda: None):
        assert not Doorbell(tmp_path, "other").ring()


async def test_many_rings_that_nobody_has_looked_after_are_heard(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    bell = Doorbell(tmp_path, "delivery")
    rings = 0

    def count() -> None:
        nonlocal rings
        rings += 1

    with bell.heard(count):
        for _ in range(1_000):  # more than the socket keeps
            assert bell.ring()
        async with asyncio.timeout(DEADLINE_S):
            while not rings:
                await asyncio.sleep(0)


async def test_where_nobody_listens_the_ringer_knows_it(tmp_path: Path) -> None:
    bell = Doorbell(tmp_path, "delivery")
    assert not bell.ring()
    with bell.heard(lambda: None) as listening:
        assert not listening
    (tmp_path / "run").mkdir()
    assert not bell.ring()


async def test_one_who_was_killed_is_not_taken_for_a_listener(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left_behind:
        left_behind.bind(str(tmp_path / "run" / "delivery.1"))
    assert not Doorbell(tmp_path, "delivery").ring()
