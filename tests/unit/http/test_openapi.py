"""The API document as keys and a model make it."""

from __future__ import annotations

from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from microservice_chassis.http.health import LiveResource
from microservice_chassis.http.openapi import problems
from microservice_chassis.http.openapi.access import Access
from microservice_chassis.http.openapi.document import ApiDocument
from microservice_chassis.http.operation import Answer, Operation
from microservice_chassis.http.resource import BaseResource
from microservice_chassis.schema.schema import Schema
from tests.bookmarks.bookmark import Bookmark


class Shelf(BaseResource):
    """A resource that needs a key where there are keys."""

    template = "/shelf"

    def operations(self) -> dict[str, Operation]:
        put = Operation("Put.", {200: Answer("It is there.")}, (503,))
        return {"GET": Operation("Look.", {200: Answer("What there is.")}), "PUT": put}


def document(access: Access = Access()) -> dict[str, Any]:  # noqa: B008 - immutable
    made = ApiDocument("shelf", Schema(Bookmark), access).of([Shelf(), LiveResource()])
    OpenAPIV31SpecValidator(made).validate()
    return dict(made)


def test_with_keys_each_operation_that_needs_one_says_so() -> None:
    made = document(Access(keys=True))
    assert set(made["components"]["securitySchemes"]) == {"bearer", "basic"}
    for method in ("get", "head", "put", "options"):
        operation = made["paths"]["/shelf"][method]
        assert operation["security"] == [{"bearer": []}, {"basic": []}]
        assert {"401", "403"} <= operation["responses"].keys()
    assert "security" not in made["paths"]["/health/live"]["get"]


def test_what_everybody_may_read_needs_a_key_to_be_changed() -> None:
    path = document(Access(keys=True, public_read=True))["paths"]["/shelf"]
    assert {} in path["get"]["security"]
    assert {} not in path["put"]["security"]


def test_a_model_without_an_example_has_a_document_without_one() -> None:
    assert "Bookmark" in document()["components"]["schemas"]


def test_every_status_of_a_problem_has_a_response_with_a_name_of_its_own() -> None:
    made = document()
    assert len(made["components"]["responses"]) == len(problems.MEANINGS)
    answered = made["paths"]["/shelf"]["put"]["responses"]
    assert answered["503"] == {"$ref": "#/components/responses/ServiceUnavailable"}
    assert "503" not in made["paths"]["/shelf"]["get"]["responses"]
