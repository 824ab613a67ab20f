"""Migrators as tests run them: to the end, and told of a database that is too new."""

from __future__ import annotations

from typing import Any, NoReturn

from microservice_chassis.caching.no_store import NoStore
from microservice_chassis.errors import DatabaseTooNew
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.migrator import Migrator
from microservice_chassis.storage.version_stamps import VersionStamps


class Refused(Exception):
    """A migration was told that the database is too new."""


def refuse(error: DatabaseTooNew) -> NoReturn:
    raise Refused from error


def migration(dator: Dator[Any], stamps: VersionStamps | None = None) -> Migrator[Any]:
    """A migration of one collection, with nobody who caches unless there are `stamps`."""
    return Migrator(dator, stamps or NoStore(), refuse)
