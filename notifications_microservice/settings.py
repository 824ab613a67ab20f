"""The settings of the notifications service."""

from __future__ import annotations

from microservice_chassis.settings import DatabaseName, DataDirectory, ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What the notifications service can be told."""

    mongodb_database: DatabaseName = "NotificationsMicroservice"
    data_dir: DataDirectory = ".eventpost/notifications"
