"""What becomes of errors that no client can cause."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

import falcon.asgi
import pytest
from falcon.testing import TestClient
from pymongo.errors import OperationFailure

from microservice_chassis.database import reachable
from microservice_chassis.problems import add_problem_handlers


class Broken:
    async def on_get(self, _req: falcon.asgi.Request, _resp: falcon.asgi.Response) -> NoReturn:
        with reachable():
            raise OperationFailure("a secret of the database")


def test_an_uncaught_exception_is_a_problem_that_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    add_problem_handlers(app)
    app.add_route("/broken", Broken())
    with caplog.at_level(logging.ERROR):
        answer = TestClient(app).simulate_get("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert answer.json["detail"] == "The service failed; its log says why."
    assert "a secret of the database" in caplog.text
