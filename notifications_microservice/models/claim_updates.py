"""How a claim changes a document: the updates by which it is claimed, recorded and given back.

They are pipelines (MongoDB manual, "Updates with Aggregation Pipeline"), so that what they set
depends on what a document is, and on MongoDB's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bson import ObjectId

from microservice_chassis.storage.client import Document
from microservice_chassis.storage.updates import NEXT_REVISION
from notifications_microservice.models.attempt import Outcome
from notifications_microservice.models.notification import Status

# For how long a claim lasts. What is claimed is a few seconds of work, so no claim is prolonged.
LEASE_S = 120.0

# How many attempts are remembered.
HISTORY = 20

FINAL = ["sent", "failed", "missed"]


class Record(NamedTuple):
    """What became of an attempt: `again_s` is after how long it is tried again, if it is."""

    key: ObjectId
    outcome: Outcome
    detail: str
    status: Status
    again_s: float | None = None


def _number(name: str) -> Document:
    """Return the expression of a number, which another program may have made something else."""
    return {"$cond": [{"$isNumber": f"${name}"}, f"${name}", 0]}


# What each change of the delivery's does to a document, beside what it is about.
_REVISED: Document = {
    "revision": NEXT_REVISION,
    "recordings": {"$add": [_number("recordings"), 1]},
    "updated_at": "$$NOW",
}

_UNTRIED: Document = {"$eq": [_number("attempts"), 0]}

RELEASING: list[Document] = [
    {
        "$set": {
            **_REVISED,
            "status": "pending",
            "due_at": {"$cond": [_UNTRIED, "$scheduled_time", "$$NOW"]},
            "claim": "$$REMOVE",
        }
    }
]


def claiming(claim: str, missed_after_s: int) -> list[Document]:
    """Return the update by which those that are due are claimed."""
    overdue = {
        "$and": [
            {"$ne": ["$status", "sending"]},
            _UNTRIED,
            {"$lt": ["$due_at", {"$subtract": ["$$NOW", missed_after_s * 1000]}]},
        ]
    }
    # NOTE: what another program has left a time with is not due again and again.
    is_final = {"$in": ["$status", FINAL]}
    status = {
        "$switch": {
            "branches": [
                {"case": is_final, "then": "$status"},
                {"case": overdue, "then": "missed"},
            ],
            "default": "sending",
        }
    }
    lease = {"$add": ["$$NOW", int(LEASE_S * 1000)]}
    missed = {"$and": [overdue, {"$not": is_final}]}
    error = f"it had been due for more than {missed_after_s} s when the delivery first saw it"
    return [
        {
            "$set": {
                **_REVISED,
                "status": status,
                "last_error": {"$cond": [missed, error, "$last_error"]},
                "due_at": {"$cond": [{"$eq": [status, "sending"]}, lease, "$$REMOVE"]},
                "claim": claim,
            }
        }
    ]


def recording(records: Sequence[Record]) -> list[Document]:
    """Return the update that records what became of each; one for all, since many are quicker."""
    keys = [each.key for each in records]
    of_each = [
        {
            "status": each.status,
            "outcome": each.outcome,
            "detail": each.detail,
            "again_ms": None if each.again_s is None else int(each.again_s * 1000),
        }
        for each in records
    ]
    number = {"$indexOfArray": [{"$literal": keys}, "$_id"]}
    is_sent = {"$eq": ["$record.outcome", "sent"]}
    attempt = {"at": "$$NOW", "outcome": "$record.outcome", "detail": "$record.detail"}
    history = {"$cond": [{"$isArray": "$history"}, "$history", []]}
    again = {"$add": ["$$NOW", "$record.again_ms"]}
    return [
        {"$set": {"record": {"$arrayElemAt": [{"$literal": of_each}, number]}}},
        {
            "$set": {
                **_REVISED,
                "status": "$record.status",
                "attempts": {"$add": [_number("attempts"), 1]},
                "last_error": {"$cond": [is_sent, "$$REMOVE", "$record.detail"]},
                "sent_at": {"$cond": [is_sent, "$$NOW", "$$REMOVE"]},
                "history": {"$slice": [{"$concatArrays": [history, [attempt]]}, -HISTORY]},
                "due_at": {"$cond": [{"$eq": ["$record.status", "pending"]}, again, "$$REMOVE"]},
                "record": "$$REMOVE",
            }
        },
    ]
