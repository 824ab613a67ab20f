"""The two kinds of resources, as tests of what both have in common go through them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pymongo.asynchronous.database import AsyncDatabase

from events_microservice.models.event_dator import EventDator
from microservice_chassis.caching.no_store import NoStore
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.deployment import Deployment
from microservice_chassis.storage.identifiers import Identifiers, ProcessFloor
from notifications_microservice.models.notification_dator import NotificationDator
from tests.examples import EVENT, LEGACY_EVENT, LEGACY_NOTIFICATION, NOTIFICATION


class Kind(NamedTuple):
    """A kind of resource, and what its documents look like."""

    dator_class: type[Dator[Any]]
    example: dict[str, Any]
    legacy: dict[str, Any]
    text: str  # a member that is a text

    def dator(
        self, database: AsyncDatabase[Document], defaults: Mapping[str, Any] | None = None
    ) -> Dator[Any]:
        """A dator on a database, with nobody who caches."""
        deployment = Deployment(database, self.dator_class.name, defaults or {})
        identifiers = Identifiers(ProcessFloor())
        return self.dator_class(database, deployment, NoStore(), identifiers, defaults)


EVENTS = Kind(EventDator, EVENT, LEGACY_EVENT, "title")
NOTIFICATIONS = Kind(NotificationDator, NOTIFICATION, LEGACY_NOTIFICATION, "subject")
KINDS = {"events": EVENTS, "notifications": NOTIFICATIONS}
