"""The import contracts of pyproject.toml bite: an import that they forbid is found in a copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest

from development.house import PACKAGES, PROJECT

CHASSIS = PROJECT / "microservice_chassis"
CONTRACTS: list[dict[str, Any]] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]["contracts"]

PURE = "The schema, the errors and the problem document are pure"
STORAGE = "The storage knows neither HTTP nor the cache"
CACHING = "The stores of the cache know neither HTTP nor MongoDB"
EDGE = "The edge is plain ASGI"
HTTP = "HTTP knows neither MongoDB nor the cache"
PROCESS = "The processes know settings and problems only"
MODELS = "Models know no HTTP"
RESOURCES = "Resources know neither MongoDB nor their application"
DELIVERY = "The delivery knows neither HTTP nor MongoDB"
NO_DELIVERY = "Nothing of a service knows its delivery"
SERVICES = "The services are independent"
NO_SERVICE = "The chassis knows no service"
CYCLE = "No import cycle, between rooms or within one"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


def put(copy: Path, module: str, imported: str) -> None:
    """Let a module of the copy import another one; make it where there is none of that name."""
    path = copy / f"{module.replace('.', '/')}.py"
    written = path.read_text() if path.exists() else ""
    path.write_text(f"{written}\nimport {imported}\n")


def broken(copy: Path) -> set[str]:
    """The names of the contracts that the copy breaks."""
    program = Path(sysconfig.get_path("scripts"), "lint-imports")
    ended = subprocess.run(
        [sys.executable, str(program), "--no-logo", "--no-cache"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200"},  # no name is broken into lines
    )
    found = set(re.findall(r"^(.+) BROKEN", ended.stdout, flags=re.M))
    assert ended.returncode == (1 if found else 0), ended.stdout + ended.stderr
    return found


def test_the_project_as_it_is_breaks_none(copy: Path) -> None:
    assert broken(copy) == set()


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("microservice_chassis.schema.probe", "falcon", PURE),
        ("microservice_chassis.errors", "pymongo.errors", PURE),
        ("microservice_chassis.problem", "microservice_chassis.settings", PURE),
        ("microservice_chassis.storage.probe", "falcon.asgi", STORAGE),
        ("microservice_chassis.caching.probe", "falcon", CACHING),
        ("microservice_chassis.caching.probe", "pymongo", CACHING),
        ("microservice_chassis.edge.probe", "falcon", EDGE),
        ("microservice_chassis.edge.probe", "bson", EDGE),
        ("microservice_chassis.http.probe", "bson.objectid", HTTP),
        ("microservice_chassis.http.probe", "microservice_chassis.caching.store", HTTP),
        ("microservice_chassis.process.probe", "microservice_chassis.storage.client", PROCESS),
        ("microservice_chassis.process.probe", "falcon", PROCESS),
        ("events_microservice.models.probe", "falcon", MODELS),
        ("notifications_microservice.models.probe", "microservice_chassis.edge", MODELS),
        ("events_microservice.resources.probe", "pymongo", RESOURCES),
        ("notifications_microservice.resources.probe", "bson", RESOURCES),
        ("notifications_microservice.delivery.probe", "pymongo", DELIVERY),
        ("notifications_microservice.delivery.probe", "microservice_chassis.caching", DELIVERY),
        (
            "notifications_microservice.models.probe",
            "notifications_microservice.delivery.retry",
            NO_DELIVERY,
        ),
        ("events_microservice.probe", "notifications_microservice.settings", SERVICES),
        ("microservice_chassis.http.probe", "events_microservice.settings", NO_SERVICE),
    ],
)
def test_a_forbidden_import_is_found(copy: Path, module: str, imported: str, contract: str) -> None:
    put(copy, module, imported)
    assert contract in broken(copy)


@pytest.mark.parametrize(
    ("module", "between", "imported", "contract"),
    [
        ("microservice_chassis.schema.probe", "microservice_chassis.between", "pymongo", PURE),
        ("microservice_chassis.storage.probe", "microservice_chassis.between", "falcon", STORAGE),
        (
            "events_microservice.models.probe",
            "events_microservice.between",
            "microservice_chassis.http",
            MODELS,
        ),
    ],
)
def test_a_forbidden_import_by_way_of_another_module_is_found(
    copy: Path, module: str, between: str, imported: str, contract: str
) -> None:
    put(copy, module, between)
    put(copy, between, imported)
    assert contract in broken(copy)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("microservice_chassis.schema.probe", "microservice_chassis.schema.other"),
        ("microservice_chassis.edge.probe", "microservice_chassis.process.probe"),
        ("events_microservice.probe", "events_microservice.other"),
    ],
)
def test_a_cycle_is_found_between_rooms_and_within_one(copy: Path, one: str, other: str) -> None:
    put(copy, one, other)
    put(copy, other, one)
    assert CYCLE in broken(copy)


def test_each_room_of_the_chassis_has_a_contract() -> None:
    rooms = {f"microservice_chassis.{path.parent.name}" for path in CHASSIS.glob("*/__init__.py")}
    held = {module for contract in CONTRACTS for module in contract.get("source_modules", ())}
    assert rooms <= held
