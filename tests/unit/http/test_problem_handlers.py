"""Which problem each error becomes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import falcon.asgi
import pytest
from falcon.testing import TestClient

import events_microservice
import microservice_chassis
import notifications_microservice
from microservice_chassis.errors import BreaksRules, BrokenRule, DomainError, ResourceNotFound
from microservice_chassis.http.problem_handlers import add_problem_handlers, problem_of


def subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def every_domain_error() -> list[type[DomainError]]:
    """Those that any module of the project defines; the base of some is none itself."""
    for package in (microservice_chassis, events_microservice, notifications_microservice):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    return [
        each
        for each in subclasses(DomainError)
        if each is not BreaksRules and each.__module__.partition(".")[0] != "tests"
    ]


@pytest.mark.parametrize("kind", every_domain_error())
def test_every_domain_error_is_mapped_to_a_problem(kind: type[DomainError]) -> None:
    rules = [BrokenRule("/title", "is required")]
    error = kind(rules) if issubclass(kind, BreaksRules) else kind("why")
    assert 400 <= problem_of(error).status_code < 600
    assert problem_of(error).description


def test_what_is_derived_from_a_mapped_error_is_mapped_as_that_one() -> None:
    class EventNotFound(ResourceNotFound):
        """A kind of error that the table does not know."""

    assert problem_of(EventNotFound("x")).status_code == 404


class Broken:
    async def on_get(self, _req: falcon.asgi.Request, _resp: falcon.asgi.Response) -> None:
        raise ZeroDivisionError("a secret of the service")


def test_what_is_no_domain_error_is_left_to_the_error_boundary() -> None:
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    add_problem_handlers(app)
    app.add_route("/broken", Broken())
    with pytest.raises(ZeroDivisionError):
        TestClient(app).simulate_get("/broken")
