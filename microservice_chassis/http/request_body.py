"""JSON request bodies: read within a limit, and refused with a reason."""

from __future__ import annotations

import re
from typing import Any

import falcon.asgi

from microservice_chassis.edge.asgi import header
from microservice_chassis.edge.list_header import elements
from microservice_chassis.http.json_text import parse_json
from microservice_chassis.http.problem_handlers import Problem
from microservice_chassis.schema.malformed import Malformed

# Of an object, and of an array of them.
LIMIT_BYTES = 64 * 1024
ARRAY_LIMIT_BYTES = 2 * 1024 * 1024

# RFC 6839, section 3.1: a media type built on JSON ends in +json.
_JSON = re.compile(r"(?:application/json|[^\s/;,]+/[^\s/;,]+\+json)\s*(?:;|\Z)", re.IGNORECASE)


async def read_object(req: falcon.asgi.Request) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    Raises:
        Problem: as `read_body` and `parse_object`.
    """
    return parse_object(await read_body(req))


async def read_body(req: falcon.asgi.Request, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """Return the body of a request, which is to be JSON.

    Raises:
        Problem: 413 for a body over the limit, 415 for a media type other than JSON or a
            content coding, 400 for one that is empty or broken off.
    """
    _check_content_encoding(req)
    _check_content_type(req)
    body = await _read(req, limit_bytes)
    if not body:
        raise Problem(400, "The body is empty; it must be a JSON object.")
    return body


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is.

    Raises:
        Problem: 413 where it is over LIMIT_BYTES, 400 where it is not JSON (RFC 8259) or no object.
    """
    if len(body) > LIMIT_BYTES:
        raise Problem(413, f"An object must not be larger than {LIMIT_BYTES} bytes.")
    try:
        document = parse_json(body)
    except Malformed as error:
        raise not_json(error) from None
    if not isinstance(document, dict):
        raise Problem(400, "The body must be a JSON object, not an array or a single value.")
    return document


def not_json(error: Malformed) -> Problem:
    """Return the problem of a body that is no JSON."""
    return Problem(400, f"The body must be JSON in UTF-8: {error}.")


def _check_content_encoding(req: falcon.asgi.Request) -> None:
    """Accept content as it is; RFC 9110, section 15.5.16, says how to tell that."""
    codings = elements((header(req.scope["headers"], b"content-encoding") or b"").decode("latin-1"))
    if any(coding.lower() != "identity" for coding in codings):
        raise Problem(
            415,
            "The body must be sent as it is, without a Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )


def _check_content_type(req: falcon.asgi.Request) -> None:
    """Accept JSON and every media type built on it; none means JSON."""
    content_type = header(req.scope["headers"], b"content-type")
    if content_type and not _JSON.match(content_type.decode("latin-1")):
        raise Problem(415, "The Content-Type must be application/json.")


async def _read(req: falcon.asgi.Request, limit_bytes: int) -> bytes:
    too_large = Problem(413, f"The body must not be larger than {limit_bytes} bytes.")
    if (req.content_length or 0) > limit_bytes:
        raise too_large
    # NOTE: a chunked body announces no length; one byte over the limit tells enough.
    body = await req.stream.read(limit_bytes + 1)
    if len(body) > limit_bytes:
        raise too_large
    if len(body) < (req.content_length or 0):
        raise Problem(400, "The body ended before its Content-Length.")
    return body
