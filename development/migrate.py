"""python -m development.migrate: bring the documents of both services into today's form.

A service does so by itself when it starts. This tells beforehand what it will meet (--dry-run),
or does it while no service runs; it joins one that does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from development import command_line
from development.service_mongodb import mongodb_uri
from events_microservice.app import create_service as create_events
from events_microservice.settings import Settings as EventsSettings
from microservice_chassis.errors import DatabaseTooNew, DatabaseUnavailable, InvalidSetting
from microservice_chassis.process.embedded_mongodb import MongoDBFailure
from microservice_chassis.process.log import configure_log
from microservice_chassis.process.run_directory import DataDirectoryFailure
from microservice_chassis.settings import read_settings
from microservice_chassis.storage.client import connect
from microservice_chassis.storage.migrator import Migrator
from notifications_microservice.app import create_service as create_notifications
from notifications_microservice.settings import Settings as NotificationsSettings


async def migrate(name: str, migrator: Migrator[Any], *, dry_run: bool) -> None:
    """Bring the documents of one collection into today's form, or say what that would meet."""
    if not dry_run:
        await migrator.until_through()
    waiting, unreadable = await migrator.survey()
    print(f"{name}: {waiting} documents of an earlier form, {unreadable.count} cannot be read")
    for each in unreadable.named:
        print(f"  {each}")
    if unreadable.unnamed:
        print(f"  and {unreadable.unnamed} more")


async def _main(*, dry_run: bool) -> None:
    events = read_settings(EventsSettings, os.environ)
    notifications = read_settings(NotificationsSettings, os.environ)
    async with mongodb_uri(events) as uri, connect(uri) as client:
        await migrate("events", create_events(events, client=client).migrator, dry_run=dry_run)
    async with mongodb_uri(notifications) as uri, connect(uri) as client:
        migrator = create_notifications(notifications, client=client).migrator
        await migrate("notifications", migrator, dry_run=dry_run)


def main() -> None:
    """Do it; one line says why, where it cannot be done."""
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="change nothing")
    arguments = parser.parse_args()
    configure_log("info")
    failures = (
        DatabaseTooNew,
        DatabaseUnavailable,
        DataDirectoryFailure,
        InvalidSetting,
        MongoDBFailure,
    )
    try:
        asyncio.run(_main(dry_run=arguments.dry_run))
    except failures as failure:
        sys.exit(f"nothing can be migrated: {failure}")


if __name__ == "__main__":
    command_line.run(main)
