"""The document itself: paths and what they have in common, written down from the resources.

OpenAPI 3.1: https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from microservice_chassis.http.openapi import headers, problems
from microservice_chassis.http.openapi.access import OF_KEYS, SCHEMES, Access
from microservice_chassis.http.openapi.examples import Examples
from microservice_chassis.http.operation import (
    OF_ANY,
    Answer,
    Operation,
    answered,
    given,
    merge_patch,
)
from microservice_chassis.http.resource import BaseResource
from microservice_chassis.schema import json_schema
from microservice_chassis.schema.member import Keywords, Member
from microservice_chassis.schema.schema import Schema

# Of the API, not of the software: another one when clients have to be changed.
_VERSION = "1"

_DESCRIPTION = (
    "Every error is a problem document (RFC 9457), 404 for any other path and 405 for any other"
    " method, too. Members that are read-only may be sent back as they came, and are ignored."
)
_METHODS_OF_ALL = "HEAD and OPTIONS"

_ID: Mapping[str, Any] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The id that the service has given.",
    "schema": {"type": "string", "pattern": "^[0-9A-Fa-f]{24}$"},
}
# OPTIONS looks at no resource.
_ANY_ID = {**_ID, "schema": {"type": "string", "minLength": 1}}


class ApiDocument:
    """The API document of one service."""

    def __init__(self, name: str, schema: Schema[Any], access: Access) -> None:
        """`name` is that of the collection."""
        self._name = name
        self._schema = schema
        self._access = access
        self._examples = {}
        if schema.model.example:
            examples = Examples(schema)
            self._examples = {
                answered(schema)["$ref"]: examples.answered,
                given(schema)["$ref"]: examples.given,
                merge_patch(schema)["$ref"]: examples.merge_patch,
            }

    def of(self, resources: Sequence[BaseResource]) -> Mapping[str, Any]:
        """Return the document of these resources without its servers, as it becomes JSON."""
        return {
            "openapi": "3.1.0",
            "info": {
                "title": f"EventPost: {self._name}",
                "version": _VERSION,
                "description": _DESCRIPTION,
            },
            "tags": [{"name": tag} for tag in self._tags(resources)],
            "paths": {
                each.template: dict(self._path(each)) for each in resources if each.operations()
            },
            "components": {
                "schemas": self._schemas(),
                "parameters": headers.parameters(),
                "headers": headers.headers(),
                "responses": problems.responses(),
                **({"securitySchemes": SCHEMES} if self._access.keys else {}),
            },
        }

    def _tags(self, resources: Sequence[BaseResource]) -> Sequence[str]:
        named = [_tag(each.template) for each in resources if each.operations()]
        return [*dict.fromkeys(named), _METHODS_OF_ALL]

    def _schemas(self) -> Mapping[str, Keywords]:
        named = (
            (answered, json_schema.answered),
            (given, json_schema.given),
            (merge_patch, json_schema.merge_patch),
        )
        return {
            **{_last(refer(self._schema)): make(self._schema) for refer, make in named},
            problems.NAME: problems.SCHEMA,
        }

    def _path(self, resource: BaseResource) -> Iterator[tuple[str, Any]]:
        """Yield the methods of a resource, each with its operation."""
        operations = dict(resource.operations())
        for method, operation in operations.items():
            tag = _tag(resource.template)
            yield method.lower(), self._operation(resource, method, operation, tag)
        if "GET" in operations:
            head = operations["GET"]._replace(summary="As GET, without the content.")
            yield "head", self._operation(resource, "HEAD", head, _METHODS_OF_ALL)
        allow = Answer("The methods are in Allow.", headers=("Allow",))
        options = Operation("Which methods there are.", {204: allow})
        yield "options", self._operation(resource, "OPTIONS", options, _METHODS_OF_ALL)

    def _operation(
        self, resource: BaseResource, method: str, operation: Operation, tag: str
    ) -> Mapping[str, Any]:
        security = self._access.requirements(method, is_open=resource.is_open)
        with_content = method != "HEAD"
        statuses = {*OF_ANY, *operation.problems, *(OF_KEYS if security else ())}
        of_path = [_ANY_ID if method == "OPTIONS" else _ID] if "{id}" in resource.template else []
        parameters = [
            *of_path,
            *map(_parameter, operation.parameters),
            *headers.request_headers(operation.headers),
        ]
        body = {"required": True, "content": self._content(operation.body)}
        return {
            "operationId": _operation_id(method, resource.template),
            "tags": [tag],
            "summary": operation.summary,
            **({"description": operation.description} if operation.description else {}),
            "parameters": parameters,
            **({"requestBody": body} if operation.body else {}),
            "responses": {
                **{
                    str(status): self._answer(answer, with_content=with_content)
                    for status, answer in operation.answers.items()
                },
                **{
                    str(status): {"$ref": f"#/components/responses/{problems.name(status)}"}
                    if with_content
                    else problems.response(status, with_content=False)
                    for status in sorted(statuses)
                },
            },
            **({"security": security} if security else {}),
        }

    def _answer(self, answer: Answer, *, with_content: bool) -> Mapping[str, Any]:
        described: dict[str, Any] = {
            "description": answer.description,
            "headers": headers.response_headers(answer.headers),
        }
        if answer.content and with_content:
            described["content"] = self._content(answer.content)
        if answer.leads_to:
            described["links"] = {
                method: {
                    "operationId": _operation_id(method, answer.leads_to),
                    "parameters": {"id": "$response.body#/id"},
                }
                for method in ("GET", "PUT", "PATCH", "DELETE")
            }
        return described

    def _content(self, schemas: Mapping[str, Keywords]) -> Mapping[str, Any]:
        return {
            media_type: {"schema": schema, **self._example(schema)}
            for media_type, schema in schemas.items()
        }

    def _example(self, schema: Keywords) -> Mapping[str, Any]:
        """Return the example of a schema, or of several that it may be, where there is one."""
        if "oneOf" in schema:
            values = [self._example(each).get("example") for each in schema["oneOf"]]
            named = zip(("one", "several"), values, strict=True)
            examples = {name: {"value": value} for name, value in named if value is not None}
            return {"examples": examples} if examples else {}
        if "items" in schema:
            return {name: [value] for name, value in self._example(schema["items"]).items()}
        example = self._examples.get(schema.get("$ref", ""))
        return {} if example is None else {"example": example}


def _parameter(member: Member) -> Mapping[str, Any]:
    return {
        "name": member.name,
        "in": "query",
        "description": json_schema.words(member),
        "schema": json_schema.parameter(member),
    }


def _operation_id(method: str, template: str) -> str:
    """Return a name in camel case, like getEventsById."""
    words = re.findall(r"[A-Za-z0-9]+", template.replace("{", "by/"))
    return method.lower() + "".join(word.capitalize() for word in words)


def _tag(template: str) -> str:
    """Return what the paths of one kind have in common."""
    return re.split(r"[/.]", template.strip("/"))[0]


def _last(reference: Keywords) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
