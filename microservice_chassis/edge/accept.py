"""Which of the media types that there are a client prefers (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from microservice_chassis.edge.list_header import elements, parameters

# What is longer, a browser does not send; it is not worth memory.
_REMEMBERED_LENGTH = 256

# NOTE: Java's HttpURLConnection leaves out the zero; what it sends by itself ends in `*/*; q=.2`.
_WEIGHT = re.compile(r"0?\.[0-9]+|0\.?|1(?:\.0*)?")


class Offer:
    """The media types in which something can be had, in the order of the service's preference."""

    def __init__(self, *media_types: str) -> None:
        """`media_types` are in lower case and without parameters."""
        self.media_types = media_types
        # The ranges that each one is within; the most specific one that a client names decides.
        self._ranges = {each: (each, f"{each.partition('/')[0]}/*", "*/*") for each in media_types}
        # What is asked again and again is not taken apart each time.
        self._remembered = lru_cache(maxsize=256)(self._choose)

    def choose(self, accept: bytes | None) -> str | None:
        """Return the media type that an Accept gives the highest weight, or None if it allows none.

        Of equal weights the service's order decides; no Accept at all allows everything.
        Parameters make no difference, but that a range that has some refuses nothing: there is
        the same without them. A range whose weight is malformed does not count.
        """
        if accept is None:
            return self.media_types[0]
        if len(accept) <= _REMEMBERED_LENGTH:
            return self._remembered(accept)
        return self._choose(accept)

    def _choose(self, accept: bytes) -> str | None:
        given = _weights(accept)
        chosen, highest = None, 0.0
        for media_type, ranges in self._ranges.items():
            weight = next((given[each] for each in ranges if each in given), 0.0)
            if weight > highest:
                chosen, highest = media_type, weight
        return chosen


def _weights(accept: bytes) -> Mapping[str, float]:
    """Return the weight of each range in an Accept; of several the highest."""
    weights: dict[str, float] = {}
    for element in elements(accept.decode("latin-1")):
        name, _, rest = element.partition(";")
        range_, given = name.strip().lower(), parameters(rest)
        weight = _weight(given)
        if weight is not None and (weight or len(given) == 1):
            weights[range_] = max(weight, weights.get(range_, 0.0))
    return weights


def _weight(given: list[str]) -> float | None:
    """Return the weight among parameters, 1 where there is none; None if it is malformed."""
    for parameter in given:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            return float(value) if _WEIGHT.fullmatch(value.strip()) else None
    return 1.0
