"""Migrations: how documents of earlier forms get into today's.

The number of a migration is the form that it leads to. What it does follows from the codec, which
reads every form and writes today's; so a document of any age needs one step.
No representation changes by it, but where microseconds are cut to the milliseconds of a BSON date;
that is a new revision.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import msgspec
from bson import ObjectId
from pymongo import IndexModel

from microservice_chassis.schema.schema import Resource
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.codec import DocumentCodec, in_todays_form
from microservice_chassis.storage.raw_bson import decode

M = TypeVar("M", bound=Resource)


class Migration(NamedTuple):
    """One step between two forms."""

    number: int
    what: str


MIGRATIONS = (
    Migration(1, "times are BSON dates; derived and recorded members stand beside the given ones"),
    Migration(2, "what is searched stands beside the members"),
    Migration(3, "of what is to be sent it is noted when"),
)


def index_of_form(form: int | None) -> IndexModel:
    """Return the index of documents of one form; of an earlier one it costs nothing when empty."""
    return IndexModel(
        [("form", 1), ("_id", 1)],
        name=name_of_index(form),
        partialFilterExpression={"form": form},
    )


def name_of_index(form: int | None) -> str:
    """Return the name of the index of documents of one form."""
    return "earlier_forms" if form is None else f"form_{form}"


class Step(NamedTuple):
    """How one document gets into today's form: what it must still be, and what is set."""

    condition: Document
    values: Document
    revised: bool  # whether its representation changes

    @classmethod
    def of(cls, raw: bytes, codec: DocumentCodec[M]) -> Step:
        """Return the step of a document of an earlier form.

        Raises:
            UnreadableResource
        """
        stored = codec.read(raw)
        today = in_todays_form(stored.resource)
        revised = msgspec.json.encode(today) != msgspec.json.encode(stored.resource)
        document = decode(raw)
        key: ObjectId = document["_id"]
        values = {
            name: value
            for name, value in {
                **codec.document(today),
                "revision": stored.revision + revised,
            }.items()
            if name not in document or document[name] != value or value is None
        }
        read = codec.sources | values.keys()
        condition = {
            name: {"$eq": document[name]} if name in document else {"$exists": False}
            for name in sorted(read | {"revision", "form"})
        }
        return cls({"_id": key, **condition}, values, revised)
