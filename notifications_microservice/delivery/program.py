"""The program of a dispatcher: what it is made of, and where it must not run."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, cast

import msgspec
import uvloop

from microservice_chassis.errors import DatabaseTooNew, InvalidSetting
from microservice_chassis.process.background import Background
from microservice_chassis.process.doorbell import Doorbell
from microservice_chassis.process.embedded_mongodb import uri_of_running
from microservice_chassis.process.log import configure_log
from microservice_chassis.process.shared_file import SharedFile, open_shared_file
from microservice_chassis.process.stop_signals import StopSignals
from microservice_chassis.settings import read_settings
from notifications_microservice.app import DELIVERY, create_service
from notifications_microservice.delivery.availability import Availability
from notifications_microservice.delivery.connection import Connection
from notifications_microservice.delivery.dispatcher import Dispatcher
from notifications_microservice.delivery.recorder import Recorder
from notifications_microservice.delivery.sender import Sender
from notifications_microservice.delivery.slot import Slot, slot
from notifications_microservice.delivery.smtp_url import SmtpServer, smtp_server
from notifications_microservice.delivery.tally import Tally
from notifications_microservice.models.notification_dator import NotificationDator
from notifications_microservice.settings import Settings

_logger = logging.getLogger(__name__)


class Parts(NamedTuple):
    """What a dispatcher is made from."""

    settings: Settings
    shared: SharedFile
    server: SmtpServer
    sender: str  # an address


def main() -> None:
    """Deliver until SIGTERM or SIGINT; the status is 0 then, and 1 where that cannot be done."""
    try:
        parts = _parts(read_settings(Settings, os.environ))
    except InvalidSetting as error:
        sys.exit(f"the delivery cannot start: {error}")
    configure_log(parts.settings.log_level)
    failure: str | None = None
    try:
        uvloop.run(_deliver(parts))
    except* DatabaseTooNew as errors:
        # NOTE: an exit from here would be a group of exceptions, too.
        failure = f"the delivery stops: {errors.exceptions[0]}"
    sys.exit(failure)


def _parts(settings: Settings) -> Parts:
    """Return the parts that the settings describe.

    Raises:
        InvalidSetting: nothing could be sent with them, or nobody who caches could be told.
    """
    if settings.smtp_url is None or settings.mail_from is None:
        raise InvalidSetting("SMTP_URL must be set: without it nothing is ever sent")
    data_dir = Path(settings.data_dir)
    shared = open_shared_file(os.environ, data_dir, settings.web_concurrency)
    if settings.cache_type == "simple" and not shared.shared:
        raise InvalidSetting(
            f"no service runs on DATA_DIR={settings.data_dir!r}, so CACHE_TYPE must be redis or"
            " null, as that of the service which runs elsewhere"
        )
    uri = settings.mongodb_uri or uri_of_running(data_dir)
    if uri is None:
        raise InvalidSetting(
            f"MONGODB_URI must be set: no MongoDB runs on DATA_DIR={settings.data_dir!r}"
        )
    server, sender = smtp_server(settings.smtp_url), settings.mail_from
    return Parts(msgspec.structs.replace(settings, mongodb_uri=uri), shared, server, sender)


async def _deliver(parts: Parts) -> None:
    data_dir = Path(parts.settings.data_dir)
    service = create_service(parts.settings, shared=parts.shared)
    background = Background([service.store])
    with StopSignals() as stop, ExitStack() as held:
        taken = held.enter_context(slot(data_dir))
        dispatcher = make_dispatcher(parts, cast("NotificationDator", service.dator), taken)
        held.enter_context(Doorbell(data_dir, DELIVERY).heard(dispatcher.wake))
        _logger.info("delivering by way of %s:%d", parts.server.host, parts.server.port)
        await background.start()
        try:
            await dispatcher.run(stop.first, stop.second)
        finally:
            await background.stop()
            await service.client.close()


def make_dispatcher(parts: Parts, dator: NotificationDator, taken: Slot) -> Dispatcher:
    """Return a dispatcher; nothing is connected yet."""
    settings, sender = parts.settings, parts.sender
    tls = parts.server.tls_context()
    claims, tally = dator.claims(), Tally(dator.figures())
    woken = asyncio.Event()
    availability, recorder = Availability(woken), Recorder(claims, tally, woken)

    def connection() -> Connection:
        return Connection(parts.server, tls, sender)

    senders = [
        Sender(connection(), sender, settings.delivery_missed_after, availability, recorder)
        for _ in range(settings.delivery_concurrency)
    ]
    return Dispatcher(
        claims,
        dator.hints,
        taken,
        senders,
        recorder,
        tally,
        availability,
        connection(),
        settings.delivery_missed_after,
        woken,
    )
