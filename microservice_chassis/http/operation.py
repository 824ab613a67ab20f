"""Operations: what each method of a resource does, as the API document tells it.

A resource declares its own beside the responders that do it; `http.openapi` writes them down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from microservice_chassis.schema.member import Keywords, Member
from microservice_chassis.schema.schema import Schema

# The statuses of the problems that any request can end with, whatever its resource.
OF_ANY = (400, 408, 414, 417, 431, 500, 501)

# Those of what a request needs of MongoDB and of its `Accept`, and of a body.
OF_DATOR = (406, 503)
OF_BODY = (413, 415, 422)


class Answer(NamedTuple):
    """What a method answers when all is well.

    `content` has the schema of each media type, and `headers` the names of what comes along.
    `leads_to` is the template of the path that is of the `id` in the content.
    """

    description: str
    content: Mapping[str, Keywords] = {}
    headers: Sequence[str] = ()
    leads_to: str = ""


class Operation(NamedTuple):
    """One method of one resource.

    `parameters` are those of the query, `headers` the names of those of the request,
    `body` has the schema of each media type that it can be, and `problems` the statuses of
    the problems that it can end with beside those of any request. `description` is what the
    summary has no place for.
    """

    summary: str
    answers: Mapping[int, Answer]
    problems: Sequence[int] = ()
    parameters: Sequence[Member] = ()
    headers: Sequence[str] = ()
    body: Mapping[str, Keywords] = {}
    description: str = ""


def read(
    summary: str,
    content: Mapping[str, Keywords],
    *,
    headers: Sequence[str] = (),
    problems: Sequence[int] = (),
    parameters: Sequence[Member] = (),
    description: str = "",
) -> Operation:
    """Return the operation of a GET whose answers have entity tags."""
    cached = ("ETag", "Cache-Control", *headers)
    return Operation(
        summary,
        {
            200: Answer("What there is.", content, cached),
            304: Answer("The client has it already: If-None-Match names its tag.", {}, cached),
        },
        problems,
        parameters,
        headers=("If-None-Match",),
        description=description,
    )


def answered(schema: Schema[Any]) -> Keywords:
    """Return a reference to the schema of a resource as it is answered."""
    return reference(schema.model.__name__)


def given(schema: Schema[Any]) -> Keywords:
    """Return a reference to the schema of a whole document from a client."""
    return reference(f"Given{schema.model.__name__}")


def merge_patch(schema: Schema[Any]) -> Keywords:
    """Return a reference to the schema of a JSON Merge Patch."""
    return reference(f"{schema.model.__name__}Patch")


def reference(name: str) -> Keywords:
    """Return a reference to a schema of the document (OpenAPI 3.1, "Reference Object")."""
    return {"$ref": f"#/components/schemas/{name}"}
