"""Writes that fail, as far as whoever made them knows, and may still happen."""

from __future__ import annotations

from contextlib import suppress

from microservice_chassis.caching.stamps import SharedStamps


class WriteFailed(Exception):
    """A write that may still happen."""


def fail(stamps: SharedStamps, *slots: int) -> None:
    with suppress(WriteFailed), stamps.change(*slots):
        raise WriteFailed
