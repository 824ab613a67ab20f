"""The layers of docs/index.md#architecture, held by the import graph."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
CHASSIS = "microservice_chassis"
SERVICES = ("events_microservice", "notifications_microservice")
LAYERS = ("models", "resources")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def graph(package: str) -> dict[str, set[str]]:
    return {
        str(path.relative_to(PROJECT)): set(imports(path))
        for path in (PROJECT / package).rglob("*.py")
    }


def offences(package: str, *forbidden: str) -> list[str]:
    return [
        f"{path} imports {name}"
        for path, names in graph(package).items()
        for name in names
        if name.startswith(forbidden)
    ]


def test_the_graph_sees_the_imports() -> None:
    assert f"{CHASSIS}.dator" in graph(SERVICES[0])["events_microservice/models/event_dator.py"]


def test_the_chassis_imports_no_service() -> None:
    assert offences(CHASSIS, *SERVICES) == []


@pytest.mark.parametrize(("service", "other"), [SERVICES, SERVICES[::-1]])
def test_the_services_never_import_each_other(service: str, other: str) -> None:
    assert offences(service, other) == []


@pytest.mark.parametrize("service", SERVICES)
def test_imports_run_downwards_from_app_over_resources_to_models(service: str) -> None:
    assert offences(f"{service}/models", f"{service}.resources", f"{service}.app") == []
    assert offences(f"{service}/resources", f"{service}.app") == []


@pytest.mark.parametrize("service", SERVICES)
def test_models_and_dators_know_no_http(service: str) -> None:
    assert offences(f"{service}/models", "falcon", f"{CHASSIS}.resources") == []


def test_the_chassis_dator_knows_no_http_and_the_resources_no_driver() -> None:
    chassis = graph(CHASSIS)
    assert not any(name.startswith("falcon") for name in chassis[f"{CHASSIS}/dator.py"])
    assert not any(name.startswith("pymongo") for name in chassis[f"{CHASSIS}/resources.py"])
