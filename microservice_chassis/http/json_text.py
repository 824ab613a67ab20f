"""JSON texts (RFC 8259): read, and refused in words of this service."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import msgspec

from microservice_chassis.schema.malformed import Malformed
from microservice_chassis.schema.shown import shortened

# Python reads no longer ones (sys.set_int_max_str_digits, CVE-2020-10735), and nobody needs them.
_MOST_DIGITS = 4300


def parse_json(text: bytes) -> Any:
    """Return the value of a JSON text in UTF-8; of members of one name the last one counts.

    Raises:
        Malformed: it is none.
    """
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise _nested() from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _fault(text) from None


def _fault(text: bytes) -> Malformed:
    """Return what is wrong with a text that is no JSON in UTF-8.

    NOTE: the standard library reads it again, since it tells where it stops in numbers.
    """
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        return Malformed(f"it is not UTF-8 at byte {error.start}")
    if decoded.startswith("\ufeff"):
        return Malformed("it begins with a byte order mark, which JSON has not")
    try:
        json.loads(decoded, parse_int=_integer, parse_float=_number, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        return Malformed(f"it is not JSON at line {error.lineno}, column {error.colno}")
    except Malformed as error:
        return error
    except RecursionError:
        return _nested()
    # NOTE: this is what the one accepts and the other does not; UTF-8 and BSON cannot keep it.
    return Malformed("a string has half of a surrogate pair")


def _nested() -> Malformed:
    return Malformed("it is nested too deeply")


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise Malformed(f"the number {shortened(digits)} has more than {_MOST_DIGITS} digits")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise Malformed(f"the number {shortened(digits)} is out of range")
    return number


def _no_number(name: str) -> NoReturn:
    raise Malformed(f"{name} is not a number of JSON")
