"""JSON texts (RFC 8259): read, and refused in words of this service."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import msgspec

from microservice_chassis.schema.malformed import Malformed
from microservice_chassis.schema.shown import shortened

# NOTE: msgspec's limit, and Python's but for the sign: converting takes quadratic time
#   (CVE-2020-10735).
_LONGEST_INTEGER = 4300


def parse_json(text: bytes) -> Any:
    """Return the value of a JSON text in UTF-8; of members of one name the last one counts.

    Raises:
        Malformed: it is none.
    """
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise nested() from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fault(text) from None


def fault(text: bytes) -> Malformed:
    """Return what is wrong with a text that is no JSON in UTF-8."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        return Malformed(f"it is not UTF-8 at byte {error.start}")
    if decoded.startswith("\ufeff"):
        return Malformed("it begins with a byte order mark, which JSON has not")
    # NOTE: the standard library reads it once more, since it tells in numbers where it stops.
    try:
        json.loads(decoded, parse_int=_integer, parse_float=_number, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        return Malformed(f"it is not JSON at line {error.lineno}, column {error.colno}")
    except Malformed as error:
        return error
    except RecursionError:
        return nested()
    # NOTE: only this does it accept where msgspec does not; neither UTF-8 nor BSON can keep it.
    return Malformed("a string has half of a surrogate pair")


def nested() -> Malformed:
    """Return what is wrong with a text of too many levels."""
    return Malformed("it is nested too deeply")


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        raise Malformed(
            f"the number {shortened(digits)} is longer than {_LONGEST_INTEGER} characters"
        )
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise Malformed(f"the number {shortened(digits)} is out of range")
    return number


def _no_number(name: str) -> NoReturn:
    raise Malformed(f"{name} is not a number of JSON")
