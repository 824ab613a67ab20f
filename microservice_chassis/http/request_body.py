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

# The white space of JSON (RFC 8259, section 2).
_WHITE_SPACE = b" \t\n\r"

# RFC 6839, section 3.1: a media type built on JSON ends in +json.
_JSON = re.compile(r"(?:application/json|[^\s/;,]+/[^\s/;,]+\+json)\s*(?:;|\Z)", re.IGNORECASE)


async def read_object(req: falcon.asgi.Request) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    Raises:
        Problem: as `read_body` and `parse_object`.
    """
    return parse_object(await read_body(req))


async def read_body(req: falcon.asgi.Request, *, array: bool = False) -> bytes:
    """Return the body of a request, which is to be a JSON object, or where it may be an `array`.

    Raises:
        Problem: 413 for an object over LIMIT_BYTES or an array over ARRAY_LIMIT_BYTES, 415 for a
            media type other than JSON or a content coding, 400 for a body that is empty or
            broken off.
    """
    _check_content_encoding(req)
    _check_content_type(req)
    body = await _read(req, array)
    if not body:
        raise Problem(400, "The body is empty; it must be a JSON object.")
    return body


def is_array(body: bytes) -> bool:
    """Whether a body is a JSON array, if it is JSON at all."""
    return body.lstrip(_WHITE_SPACE).startswith(b"[")


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is.

    Raises:
        Problem: 400 where it is not JSON (RFC 8259) or no object.
    """
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


async def _read(req: falcon.asgi.Request, array: bool) -> bytes:
    announced = req.content_length or 0
    if announced > (ARRAY_LIMIT_BYTES if array else LIMIT_BYTES):
        raise _too_large(array)
    # NOTE: a chunked body announces no length; one byte over the limit tells enough.
    body = await req.stream.read(LIMIT_BYTES + 1)
    if len(body) > LIMIT_BYTES:
        if not array or not is_array(body):
            raise _too_large(array)
        body += await req.stream.read(ARRAY_LIMIT_BYTES + 1 - len(body))
        if len(body) > ARRAY_LIMIT_BYTES:
            raise _too_large(array)
    if len(body) < announced:
        raise Problem(400, "The body ended before its Content-Length.")
    return body


def _too_large(array: bool) -> Problem:
    limits = f"An object must not be larger than {LIMIT_BYTES} bytes"
    if array:
        limits += f", and an array of them not larger than {ARRAY_LIMIT_BYTES} bytes"
    return Problem(413, f"{limits}.")
