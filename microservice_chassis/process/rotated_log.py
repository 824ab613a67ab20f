"""A log file that is bounded: what is old is numbered, and then removed."""

from __future__ import annotations

from pathlib import Path


class RotatedLog:
    """A file that a program appends to, and opens anew when it is told to.

    `<path>.1` is the one before it, and so on; `kept` of those stay.
    """

    def __init__(self, path: Path, limit_bytes: int, kept: int = 2) -> None:
        self.path = path
        self._limit_bytes = limit_bytes
        self._kept = kept

    @property
    def full(self) -> bool:
        """Whether it is time to rotate."""
        try:
            return self.path.stat().st_size >= self._limit_bytes
        except FileNotFoundError:
            return False

    def rotate(self) -> None:
        """Begin a new file; the program must be told to open it, or not have been started yet.

        Raises:
            OSError: the directory cannot be written.
        """
        for number in range(self._kept, 0, -1):
            newer = self._numbered(number - 1)
            if newer.exists():
                newer.replace(self._numbered(number))

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}") if number else self.path
