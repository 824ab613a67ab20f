"""Whether a client accepts the one media type that there is (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from functools import lru_cache

from microservice_chassis.edge.asgi import Headers, header
from microservice_chassis.edge.list_header import elements, parameters

# The ranges that JSON is within; the most specific one that a client names decides.
_RANGES = ("application/json", "application/*", "*/*")

# What is longer, a browser does not send; it is not worth memory.
_REMEMBERED_LENGTH = 256

# NOTE: Java's HttpURLConnection leaves out the zero; what it sends by itself ends in `*/*; q=.2`.
_WEIGHT = re.compile(r"0?\.[0-9]+|0\.?|1(?:\.0*)?")


def accepts_json(headers: Headers) -> bool:
    """Whether the headers of a request allow application/json as its answer."""
    return allows_json(header(headers, b"accept"))


def allows_json(value: bytes | None) -> bool:
    """Whether an Accept allows application/json; none at all allows everything.

    Parameters make no difference, but that a range that has some refuses nothing: there is JSON
    without them. A range whose weight is malformed does not count.
    """
    if value is None:
        return True
    return _remembered(value) if len(value) <= _REMEMBERED_LENGTH else _allows_json(value)


def _allows_json(value: bytes) -> bool:
    weights: dict[str, float] = {}
    for element in elements(value.decode("latin-1")):
        name, _, rest = element.partition(";")
        range_, given = name.strip().lower(), parameters(rest)
        weight = _weight(given)
        if weight is not None and (weight or len(given) == 1):
            weights[range_] = max(weight, weights.get(range_, 0.0))
    return next((weights[each] > 0 for each in _RANGES if each in weights), False)


# What is asked again and again is not taken apart each time.
_remembered = lru_cache(maxsize=256)(_allows_json)


def _weight(given: list[str]) -> float | None:
    """Return the weight among parameters, 1 where there is none; None if it is malformed."""
    for parameter in given:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return float(value) if _WEIGHT.fullmatch(value.strip()) else None
    return 1.0
