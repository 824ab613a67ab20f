"""A clock that a test winds."""

from __future__ import annotations


class Clock:
    """What all processes of a machine have in common; it goes on a little at each look."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000_000
        self.slept_s: list[float] = []

    def __call__(self) -> int:
        """Now, in nanoseconds."""
        self.now_ns += 1
        return self.now_ns

    def now_s(self) -> float:
        """Now, in seconds."""
        return self() / 1e9

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once, and note that."""
        self.slept_s.append(seconds)
        self.now_ns += int(seconds * 1e9)

    def pass_ms(self, milliseconds: int) -> None:
        self.now_ns += milliseconds * 1_000_000
