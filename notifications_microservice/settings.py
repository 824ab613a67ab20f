"""The settings of the notifications service."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from microservice_chassis import connection_uri
from microservice_chassis.errors import InvalidSetting
from microservice_chassis.schema.member import Rule, Secret
from microservice_chassis.settings import DatabaseName, DataDirectory, ServiceSettings
from notifications_microservice.models.mail_address import mail_address


def _sender(value: str) -> str:
    if not value.isascii():
        raise ValueError
    return mail_address(value, bare_hosts=True)


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What the notifications service can be told."""

    mongodb_database: DatabaseName = "NotificationsMicroservice"
    data_dir: DataDirectory = ".eventpost/notifications"
    mail_allow_bare_hosts: Annotated[
        bool,
        Rule("true or false: whether to_mail may name a host without a dot, like root@localhost"),
    ] = False
    smtp_url: Annotated[
        str | None,
        Secret,
        Rule(
            "the server that takes mail: smtp://user:password@host:587, which must offer STARTTLS"
            " unless ?starttls=none allows to go without, or smtps://user:password@host:465, with"
            " what is no letter, digit, -, _, . or ~ in user and password percent-encoded;"
            " ?cafile=/path names a file in PEM of the certificates to trust in the place of the"
            " system's; a password goes without TLS to this machine only;"
            " without SMTP_URL nothing is ever sent",
            connection_uri.smtp,
        ),
    ] = None
    mail_from: Annotated[
        str | None,
        Rule(
            "the address that mail is sent from, in ASCII; it must be set where SMTP_URL is",
            _sender,
        ),
    ] = None
    delivery_concurrency: Annotated[
        int,
        Meta(ge=1, le=100),
        Rule("how many connections to the SMTP server a dispatcher has at most, 1 to 100"),
    ] = 10
    delivery_missed_after: Annotated[
        int,
        Meta(ge=60, le=31_536_000),
        Rule(
            "for how many seconds behind its scheduled_time a notification is still sent,"
            " or tried again, 60 to 31536000"
        ),
    ] = 172_800

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.smtp_url is not None and self.mail_from is None:
            raise InvalidSetting("MAIL_FROM must be set where SMTP_URL is")
