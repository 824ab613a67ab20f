"""The header Idempotency-Key: whoever sends a POST again with the same key repeats it.

draft-ietf-httpapi-idempotency-key-header; a key is compared as it is, with its quotes if it has
some.
"""

from __future__ import annotations

import re
from hashlib import blake2b

import falcon.asgi

from microservice_chassis.http.problem_handlers import Problem

_KEY = re.compile(rb"[\x20-\x7e]{1,255}")


def idempotency_key(req: falcon.asgi.Request) -> str | None:
    """Return the key of a request, or None where it has none.

    Raises:
        Problem: 400 for more than one, or one that is no key.
    """
    values = [value for name, value in req.scope["headers"] if name == b"idempotency-key"]
    if not values:
        return None
    if len(values) > 1:
        raise Problem(400, "The header Idempotency-Key must be given only once.")
    if not _KEY.fullmatch(values[0]):
        raise Problem(
            400, "The header Idempotency-Key must be 1 to 255 printable characters of ASCII."
        )
    return str(values[0], "ascii")


def digest(body: bytes) -> bytes:
    """Return what tells the body of a request from any other."""
    return blake2b(body, digest_size=32).digest()
