"""Whether a client accepts the one media type that there is (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from functools import lru_cache

from microservice_chassis.edge.asgi import Headers, header
from microservice_chassis.edge.list_header import elements

# The ranges that JSON is within; the most specific one that a client names decides.
_RANGES = ("application/json", "application/*", "*/*")

_WEIGHT = re.compile(r";\s*q\s*=\s*([0-9.]+)", re.IGNORECASE)


def accepts_json(headers: Headers) -> bool:
    """Whether the headers of a request allow application/json as its answer."""
    return allows_json(header(headers, b"accept"))


@lru_cache(maxsize=256)
def allows_json(value: bytes | None) -> bool:
    """Whether an Accept allows application/json; none at all allows everything."""
    if value is None:
        return True
    weights: dict[str, float] = {}
    for element in elements(value.decode("latin-1")):
        weight = _WEIGHT.search(element)
        try:
            weights[element.partition(";")[0].strip().lower()] = float(weight[1]) if weight else 1.0
        except ValueError:
            continue
    return next((weights[each] > 0 for each in _RANGES if each in weights), False)
