"""python -m development.delivery_status: what the delivery of a running service has to do, and did.

It has the settings of that service: MONGODB_URI, or else the DATA_DIR on which it runs.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from development import command_line
from microservice_chassis.errors import DatabaseUnavailable, InvalidSetting
from microservice_chassis.process.embedded_mongodb import uri_of_running
from microservice_chassis.settings import read_settings
from microservice_chassis.storage.client import connect, unlimited
from notifications_microservice.models.figures import DELAYS_MS, MORE, Figures, FiguresRecord
from notifications_microservice.settings import Settings

# Of which parts of what was sent the delay is told.
_PARTS = (0.5, 0.99, 1.0)


def lines(figures: Figures) -> Iterator[str]:
    """Yield the figures as a table."""
    oldest = "" if figures.oldest_s is None else f", the oldest for {_duration(figures.oldest_s)}"
    yield f"due        {figures.due}{oldest}"
    yield f"sending    {figures.sending}"
    yield f"sent       {figures.sent}"
    yield f"deferred   {figures.deferred} attempts"
    reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(figures.failed.items()))
    yield f"failed     {sum(figures.failed.values())}{f' ({reasons})' if reasons else ''}"
    yield f"missed     {figures.missed}"
    if figures.delays:
        yield f"late by    {', '.join(_delays(figures))}"


def _delays(figures: Figures) -> Iterator[str]:
    """Yield within which time a part of what was sent was sent, as the histogram tells."""
    bounds = [*map(str, DELAYS_MS), MORE]
    total = sum(figures.delays.values())
    for part in _PARTS:
        reached = 0
        for bound in bounds:
            reached += figures.delays.get(bound, 0)
            if reached >= part * total:
                break
        if bound == MORE:
            within = f"more than {_duration(DELAYS_MS[-1] / 1000)}"
        else:
            within = f"up to {_duration(int(bound) / 1000)}"
        yield f"{within} ({part:.0%})"


def _duration(seconds: float) -> str:
    for least, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if seconds >= least:
            return f"{seconds / least:.3g} {unit}"
    return f"{seconds * 1000:.0f} ms"


async def _figures() -> Figures:
    settings = read_settings(Settings, os.environ)
    uri = settings.mongodb_uri or uri_of_running(Path(settings.data_dir))
    if uri is None:
        raise InvalidSetting(
            f"no service runs on DATA_DIR={settings.data_dir!r}: start it, or set DATA_DIR or"
            " MONGODB_URI as it has them"
        )
    async with connect(uri) as client:
        collection = client[settings.mongodb_database]["Notifications"]
        # NOTE: a backlog of a million takes longer to count than an operation may.
        with unlimited():
            return await FiguresRecord(collection).read()


def main() -> None:
    """Print the figures; one line says why, where there are none."""
    command_line.Parser(description=__doc__).parse_args()
    try:
        figures = asyncio.run(_figures())
    except (DatabaseUnavailable, InvalidSetting) as failure:
        sys.exit(f"nothing is known of the delivery: {failure}")
    for line in lines(figures):
        print(line)


if __name__ == "__main__":
    command_line.run(main)
