"""The application of the notifications service: which parts it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack, cast

from microservice_chassis.application import (
    Collaborators,
    Parts,
    Service,
    application_attribute,
    create_application,
    create_parts,
)
from microservice_chassis.process.doorbell import Doorbell
from notifications_microservice.delivery_metrics import delivery_metrics
from notifications_microservice.models.mail_address import mail_address_rule
from notifications_microservice.models.notification import Notification
from notifications_microservice.models.notification_dator import NotificationDator
from notifications_microservice.resources.notification_resource import NotificationResource
from notifications_microservice.resources.notifications_resource import NotificationsResource
from notifications_microservice.settings import Settings

# The doorbell of those who deliver.
DELIVERY = "delivery"


def create_app(settings: Settings, **collaborators: Unpack[Collaborators]) -> Service:
    """Return the ASGI application for these settings; nothing is connected yet."""
    parts = create_service(settings, **collaborators)
    dator = cast("NotificationDator", parts.dator)
    return create_application(
        parts, NotificationsResource, NotificationResource, collectors=[delivery_metrics(dator)]
    )


def create_service(
    settings: Settings, **collaborators: Unpack[Collaborators]
) -> Parts[Notification]:
    """Return what stands behind the HTTP of the service."""
    rules = {"to_mail": mail_address_rule(bare_hosts=settings.mail_allow_bare_hosts)}
    bell = Doorbell(Path(settings.data_dir), DELIVERY)
    options = {"ring": bell.ring}
    return create_parts(settings, NotificationDator, rules=rules, options=options, **collaborators)


# `application` is made when a server asks for it, so that importing this module does nothing.
__getattr__ = application_attribute(create_app, Settings)
