"""Bulk: a JSON array of resources in the body of one request, in which every rule is checked first.

However long the array, the event loop is for others, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from microservice_chassis.errors import BrokenRule, InvalidResource
from microservice_chassis.http.json_text import fault, nested
from microservice_chassis.http.problem_handlers import Problem
from microservice_chassis.http.request_body import LIMIT_BYTES, not_json
from microservice_chassis.schema.schema import Resource, Schema
from microservice_chassis.schema.shown import shown
from microservice_chassis.storage.time_slices import TimeSlices

M = TypeVar("M", bound=Resource)

MOST_ELEMENTS = 1000

_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode


class Bulk:
    """Reads the arrays that a collection is sent."""

    def __init__(self) -> None:
        self._slices = TimeSlices()

    async def elements(self, body: bytes) -> list[Any]:
        """Return the elements of an array, whatever they are.

        Raises:
            Problem: 400 where it is not JSON, 413 for an element that is longer than an object may
                be that comes alone.
            InvalidResource: there are none, or too many.
        """
        try:
            elements = _decode_array(body)
            if not 1 <= len(elements) <= MOST_ELEMENTS:
                rule = f"must have 1 to {MOST_ELEMENTS} elements; it has {len(elements)}"
                raise InvalidResource([BrokenRule("", rule)])
            return await self._slices.map(_element, elements)
        except RecursionError:
            raise not_json(nested()) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            # NOTE: in Python, where a long array takes long; the interpreter lets others run.
            raise not_json(await asyncio.to_thread(fault, body)) from None

    async def parse(
        self, schema: Schema[M], elements: list[Any], defaults: Mapping[str, Any]
    ) -> list[M]:
        """Return the models that elements describe; `defaults` are as for `Schema.parse`.

        Raises:
            InvalidResource: with the rules that all of them break.
        """
        broken: list[BrokenRule] = []
        more = 0

        def parse(numbered: tuple[int, Any]) -> M | None:
            nonlocal more
            number, element = numbered
            if not isinstance(element, dict):
                rule = f"must be an object; it is {shown(element)}"
                broken.append(BrokenRule(f"/{number}", rule))
                return None
            try:
                return schema.parse(element, defaults)
            except InvalidResource as error:
                broken.extend(
                    BrokenRule(f"/{number}{rule.pointer}", rule.detail)
                    for rule in error.broken_rules
                )
                more += error.more
                return None

        parsed = await self._slices.map(parse, enumerate(elements))
        if broken:
            raise InvalidResource(broken, more)
        return [each for each in parsed if each is not None]


def _element(raw: msgspec.Raw) -> Any:
    if len(memoryview(raw)) > LIMIT_BYTES:
        raise Problem(413, f"No element of an array must be larger than {LIMIT_BYTES} bytes.")
    return _decode(raw)
