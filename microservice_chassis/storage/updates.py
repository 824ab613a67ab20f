"""What a dator sets when it changes a document (MongoDB manual, "Update Operators")."""

from __future__ import annotations

from datetime import UTC, datetime

from microservice_chassis.schema.scalars import in_milliseconds
from microservice_chassis.storage.client import Document
from microservice_chassis.storage.codec import FORM, REVISION_LIMIT
from microservice_chassis.storage.revisions import Revisions

# A document in today's form whose revision can be counted on from; nearly all of them.
# An array is of the type of its elements, too, for a query.
SOUND: Document = {
    "form": FORM,
    "revision": {"$type": ["int", "long"], "$not": {"$type": "array"}, "$lt": REVISION_LIMIT},
}


def at_revision(expected: Revisions | None) -> Document:
    """Return the condition that a document is at one of some revisions; None stands for all."""
    return {} if expected is None else {"revision": expected.query()}


def sound_at(expected: Revisions | None) -> Document:
    """Return the condition that a document is sound, and at one of some revisions; see `SOUND`."""
    at = {} if expected is None else expected.query()
    return {**SOUND, "revision": {**SOUND["revision"], **at}}


# The next revision. What other programs have left in its place cannot be counted on from,
# so it begins again where no counting arrives.
NEXT_REVISION = {
    "$switch": {
        "branches": [
            {
                "case": {
                    "$and": [
                        {"$in": [{"$type": "$revision"}, ["int", "long"]]},
                        {"$lt": ["$revision", REVISION_LIMIT]},
                    ]
                },
                "then": {"$add": ["$revision", 1]},
            },
            {
                "case": {"$in": [{"$type": "$revision"}, ["missing", "null"]]},
                "then": 1,
            },
        ],
        "default": {"$toLong": "$$NOW"},
    }
}


def next_revision(values: Document) -> Document:
    """Return the update that gives members new values, in a revision of its own."""
    return {"$set": {**values, "updated_at": now()}, "$inc": {"revision": 1}}


def literally(values: Document) -> Document:
    """Return values as expressions; a text that begins with `$` stays a text."""
    return {name: {"$literal": value} for name, value in values.items()}


def now() -> datetime:
    """Return the current time, as exact as a BSON date: what is answered is what is read later."""
    return in_milliseconds(datetime.now(UTC))
