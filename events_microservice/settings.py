"""The settings of the events service."""

from __future__ import annotations

from typing import Annotated

from events_microservice.models import schedule
from microservice_chassis.schema.member import Rule
from microservice_chassis.settings import DatabaseName, DataDirectory, ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What the events service can be told."""

    mongodb_database: DatabaseName = "EventsMicroservice"
    data_dir: DataDirectory = ".eventpost/events"
    default_timezone: Annotated[
        str, Rule('the time zone of events that name none, like "Europe/Berlin"', schedule.timezone)
    ] = "UTC"
