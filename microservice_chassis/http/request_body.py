"""JSON request bodies: read within a limit, and refused with a reason."""

from __future__ import annotations

from typing import Any

import falcon.asgi
import msgspec

from microservice_chassis.http.problem_handlers import Problem

LIMIT_BYTES = 64 * 1024


async def read_object(req: falcon.asgi.Request) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    Raises:
        Problem: 413 for a body over LIMIT_BYTES, 415 for a media type other than JSON,
            400 for one that is empty, not JSON (RFC 8259) or not an object.
    """
    _check_media_type(req.content_type)
    body = await _read(req)
    if not body:
        raise Problem(400, "The body is empty; it must be a JSON object.")
    try:
        document = msgspec.json.decode(body)
    except RecursionError:
        raise Problem(400, "The body is nested too deeply.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, f"The body is not JSON in UTF-8: {error}.") from None
    if not isinstance(document, dict):
        raise Problem(400, "The body must be a JSON object, not an array or a single value.")
    return document


def _check_media_type(content_type: str | None) -> None:
    """Accept JSON and every media type built on it (RFC 6839, section 3.1); none means JSON."""
    media_type = (content_type or "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Problem(415, "The Content-Type must be application/json.")


async def _read(req: falcon.asgi.Request) -> bytes:
    too_large = Problem(413, f"The body must not be larger than {LIMIT_BYTES} bytes.")
    if (req.content_length or 0) > LIMIT_BYTES:
        raise too_large
    # NOTE: a chunked body announces no length; one byte over the limit tells enough.
    body = await req.stream.read(LIMIT_BYTES + 1)
    if len(body) > LIMIT_BYTES:
        raise too_large
    if len(body) < (req.content_length or 0):
        raise Problem(400, "The body ended before its Content-Length.")
    return body
