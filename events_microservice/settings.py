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
    public_read: Annotated[
        bool, Rule("true or false: whether events can be read without one of the API_KEYS_FILE")
    ] = False
