"""The headers of the API document: those that a client may send, and those that it gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from microservice_chassis.schema.member import Keywords

# What every answer has.
REQUEST_ID = "X-Request-ID"

_TEXT: Keywords = {"type": "string"}
_NUMBER: Keywords = {"type": "integer", "minimum": 0}

_REQUEST: Mapping[str, tuple[str, Keywords]] = {
    "If-Match": ("The entity tag that the resource must have (RFC 9110, section 13.1.1).", _TEXT),
    "If-None-Match": ("Entity tags that are not wanted (RFC 9110, section 13.1.2).", _TEXT),
    "Idempotency-Key": (
        "Whoever sends a request again with the same key repeats it: what it has created is"
        " answered, and nothing is created twice. A key counts for 24 hours.",
        # NOTE: space around the value of a header is no part of it (RFC 9110, section 5.5).
        {"type": "string", "maxLength": 255, "pattern": "^[!-~](?:[ -~]*[!-~])?$"},
    ),
    REQUEST_ID: ("The id by which logs name the request; a new one unless well-formed.", _TEXT),
}

_RESPONSE: Mapping[str, tuple[str, Keywords]] = {
    "Accept-Encoding": ("The codings that a body may have.", _TEXT),
    "Allow": ("The methods that the path has.", _TEXT),
    "Cache-Control": ("Whether a cache may answer without asking.", _TEXT),
    "Cache-Status": ("Whether the response cache had it (RFC 9211).", _TEXT),
    "ETag": ("The entity tag, which changes with each revision.", _TEXT),
    "Link": ("Where the next page is, if one follows (RFC 8288).", _TEXT),
    "Location": (
        "Where the resource is, if one was created.",
        {**_TEXT, "format": "uri-reference"},
    ),
    "Retry-After": ("In how many seconds to try again.", _NUMBER),
    "Total-Count": ("How many resources are selected, if count asks for it.", _NUMBER),
    "Total-Count-Precision": (
        "How well that is known.",
        {**_TEXT, "enum": ["exact", "at-least", "estimate"]},
    ),
    "Upgrade": ("The protocol that is needed.", _TEXT),
    "Vary": ("The headers of the request on which the answer depends.", _TEXT),
    "WWW-Authenticate": ("How a key is given (RFC 6750, RFC 7617).", _TEXT),
    REQUEST_ID: ("The id by which logs name the request.", _TEXT),
}


def parameters() -> Mapping[str, Any]:
    """Return the headers that a client may send, by their names."""
    return {
        name: {"name": name, "in": "header", "description": description, "schema": schema}
        for name, (description, schema) in _REQUEST.items()
    }


def headers() -> Mapping[str, Any]:
    """Return the headers that a client gets, by their names."""
    described: dict[str, Any] = {
        name: {"description": description, "schema": schema}
        for name, (description, schema) in _RESPONSE.items()
    }
    described[REQUEST_ID]["required"] = True
    return described


def request_headers(names: Sequence[str]) -> Sequence[Any]:
    """Return references to those that a request may have."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in (*names, REQUEST_ID)]


def response_headers(names: Sequence[str]) -> Mapping[str, Any]:
    """Return references to those that an answer may have."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*names, REQUEST_ID)}
