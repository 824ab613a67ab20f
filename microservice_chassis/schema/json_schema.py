"""JSON Schema (draft 2020-12) of a model: what a client may send, and what it is answered.

It says what `Schema` does, as far as JSON Schema can; a rule that it cannot state is in the words
of the description.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from inspect import getdoc
from typing import Any, Literal, get_args, get_origin

import msgspec

from microservice_chassis.schema.member import Keywords, Member
from microservice_chassis.schema.schema import Schema

_TYPES: Mapping[Any, str] = {int: "integer", float: "number", bool: "boolean"}
_LIMITS = {
    "min_length": "minLength",
    "max_length": "maxLength",
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
}

_IGNORED = "Read-only: accepted whatever it is, and ignored."


def answered(schema: Schema[Any]) -> Keywords:
    """Return the schema of a resource as it is answered, all of whose members are there."""
    return {
        **_object(schema),
        "properties": {name: _answered(schema, member) for name, member in schema.members.items()},
        "required": list(schema.members),
    }


def given(schema: Schema[Any]) -> Keywords:
    """Return the schema of a whole document from a client."""
    return {
        **_given_object(
            schema, {name: _given(schema, member) for name, member in schema.members.items()}
        ),
        "required": [name for name in schema.writable if name not in schema.defaults],
    }


def merge_patch(schema: Schema[Any]) -> Keywords:
    """Return the schema of a JSON Merge Patch (RFC 7396), in which null resets to the default."""
    return _given_object(
        schema, {name: _patched(schema, member) for name, member in schema.members.items()}
    )


def parameter(member: Member) -> Keywords:
    """Return the schema of a parameter of a query."""
    default = {} if member.default in (None, msgspec.NODEFAULT) else {"default": member.default}
    return {**_value(member), **default}


def words(member: Member) -> str:
    """Return what a member must be, as a sentence."""
    return f"Must be {member.rule.must_be}."


def _object(schema: Schema[Any]) -> Keywords:
    description, _, _ = (getdoc(schema.model) or "").partition("\n")
    return {"type": "object", "description": description}


def _given_object(schema: Schema[Any], properties: Mapping[str, Keywords]) -> Keywords:
    return {**_object(schema), "properties": properties, "additionalProperties": False}


def _answered(schema: Schema[Any], member: Member) -> Keywords:
    """What a member is in an answer.

    Limits and rules are for what a client gives: what an earlier version took is still answered.
    """
    nested = schema.nested.get(member.name)
    if get_origin(member.types[0]) is tuple:
        item, _ = get_args(member.types[0])
        return {"type": "array", "items": answered(Schema(item)), "readOnly": True}
    shape = answered(nested) if nested else _type(member)
    if datetime in member.types:
        shape = {**shape, "format": "date-time"}
    if member.given:
        return _nullable(shape, member.nullable)
    return {**_nullable({**shape, **_keywords(member)}, member.nullable), "readOnly": True}


def _given(schema: Schema[Any], member: Member) -> Keywords:
    if not member.given:
        return {"description": _IGNORED}
    nested = schema.nested.get(member.name)
    shape = given(nested) if nested else _value(member)
    default = {"default": schema.defaults[member.name]} if member.name in schema.defaults else {}
    return {"description": words(member), **_nullable(shape, member.nullable), **default}


def _patched(schema: Schema[Any], member: Member) -> Keywords:
    if not member.given:
        return {"description": _IGNORED}
    nested = schema.nested.get(member.name)
    shape = merge_patch(nested) if nested else _value(member)
    return {"description": words(member), **_nullable(shape, member.name in schema.defaults)}


def _value(member: Member) -> Keywords:
    """The type of a member, and what its limits and its rule say of it."""
    limits = {
        keyword: limit
        for name, keyword in _LIMITS.items()
        if (limit := getattr(member.limits, name, None)) is not None
    }
    return {**_type(member), **limits, **_keywords(member)}


def _keywords(member: Member) -> Keywords:
    keywords = member.rule.keywords
    return keywords() if callable(keywords) else keywords or {}


def _type(member: Member) -> Keywords:
    kind = member.types[0]
    if get_origin(kind) is Literal:
        return {"type": "string", "enum": list(get_args(kind))}
    # NOTE: what is none of these is read from a string.
    return {"type": _TYPES.get(kind, "string")}


def _nullable(keywords: Keywords, nullable: bool) -> Keywords:
    if not nullable:
        return keywords
    enum = {"enum": [*keywords["enum"], None]} if "enum" in keywords else {}
    return {**keywords, "type": [keywords["type"], "null"], **enum}
