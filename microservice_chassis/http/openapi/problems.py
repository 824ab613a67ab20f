"""The problems of the API document: which there are, and what each of them means."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from microservice_chassis import problem
from microservice_chassis.errors import MOST_BROKEN_RULES
from microservice_chassis.http.openapi.headers import response_headers
from microservice_chassis.http.operation import reference
from microservice_chassis.schema.member import Keywords


class Meaning(NamedTuple):
    """When a status is answered, and which headers come along."""

    when: str
    headers: tuple[str, ...] = ()


MEANINGS: Mapping[int, Meaning] = {
    400: Meaning(
        "The request is no valid HTTP; its body is empty, no JSON in UTF-8, or of another type than"
        " is due; or a parameter or an Idempotency-Key is malformed, unknown or repeated."
    ),
    401: Meaning("A key is needed, and this is none.", ("WWW-Authenticate",)),
    403: Meaning("The key has not the right to do this."),
    404: Meaning("There is no resource with this id; an id is 24 hex digits."),
    406: Meaning("Accept allows nothing of what there is.", ("Vary",)),
    408: Meaning("The request did not arrive in time."),
    409: Meaning(
        "A request with this Idempotency-Key is under way, or what the database holds cannot be"
        " changed.",
        ("Retry-After",),
    ),
    412: Meaning("If-Match does not name the current entity tag, or If-None-Match does."),
    413: Meaning("The body is over 64 KiB, or that of an array over 2 MiB."),
    414: Meaning("The target is over 64 KiB."),
    415: Meaning(
        "The body is not said to be JSON, or has a Content-Encoding.", ("Accept-Encoding",)
    ),
    417: Meaning("Expect is not 100-continue."),
    422: Meaning(
        "The document breaks the rules listed in errors, or the Idempotency-Key is that of another"
        " body."
    ),
    426: Meaning("The export needs HTTP/1.1.", ("Upgrade",)),
    431: Meaning("The header is over 64 KiB, or has over 100 fields."),
    500: Meaning(
        "The service failed, and its log says why; or, with the type urn:eventpost:unreadable, what"
        " the database holds cannot be read."
    ),
    501: Meaning("A Transfer-Encoding other than chunked."),
    503: Meaning(
        "The database cannot be reached, or is not yet ready for this; try again.", ("Retry-After",)
    ),
}

NAME = "Problem"

SCHEMA: Keywords = {
    "type": "object",
    "description": "What was wrong, and what would be right (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": f"The rules that are broken, up to {MOST_BROKEN_RULES} of them.",
            "minItems": 1,
            "maxItems": MOST_BROKEN_RULES,
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "format": "json-pointer"},
                    "detail": {"type": "string"},
                },
                "required": ["pointer", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}


def name(status: int) -> str:
    """Return the name of the response that a problem of this status is."""
    return "".join(word.capitalize() for word in HTTPStatus(status).name.split("_"))


def responses() -> Mapping[str, Any]:
    """Return the responses that problems are, by their names."""
    return {name(status): response(status) for status in MEANINGS}


def response(status: int, *, with_content: bool = True) -> Mapping[str, Any]:
    """Return the response that a problem of this status is."""
    meaning = MEANINGS[status]
    headed = {"description": meaning.when, "headers": response_headers(meaning.headers)}
    if not with_content:
        return headed
    example = problem.document(status, meaning.when)
    content = {"schema": reference(NAME), "example": example}
    return {**headed, "content": {problem.MEDIA_TYPE: content}}
