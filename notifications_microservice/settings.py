"""The settings of the notifications service."""

from __future__ import annotations

from typing import Annotated

from microservice_chassis.schema.member import Rule
from microservice_chassis.settings import DatabaseName, DataDirectory, ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What the notifications service can be told."""

    mongodb_database: DatabaseName = "NotificationsMicroservice"
    data_dir: DataDirectory = ".eventpost/notifications"
    mail_allow_bare_hosts: Annotated[
        bool,
        Rule("true or false: whether to_mail may name a host without a dot, like root@localhost"),
    ] = False
