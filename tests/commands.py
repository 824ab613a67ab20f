"""What a driver asks MongoDB to do."""

from __future__ import annotations

from typing import Any

from pymongo.monitoring import CommandListener, CommandStartedEvent


class Commands(CommandListener):
    """What a driver has asked MongoDB to do."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.last: dict[str, Any] = {}
        self.all: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.names.append(event.command_name)
        self.last = dict(event.command)
        self.all.append(self.last)

    def of(self, name: str) -> list[dict[str, Any]]:
        """The commands of that name, the first one first."""
        return [each for each in self.all if name in each]

    def succeeded(self, _event: object) -> None:
        pass

    def failed(self, _event: object) -> None:
        pass
