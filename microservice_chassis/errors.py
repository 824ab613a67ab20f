"""Domain errors: what can go wrong between a resource and its collection.

Dators and models raise these; `http.problem_handlers` says which HTTP answer each one becomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class DomainError(Exception):
    """Base of all errors that are part of a dator's or a model's contract."""


class ResourceNotFound(DomainError):
    """There is no resource with this identifier."""


class InvalidParameter(DomainError):
    """A parameter of a query is unknown or malformed; the message says what would be right."""


class InvalidCursor(DomainError):
    """A cursor is none that a page of this selection, in this order, ended with."""


class IndexNotReady(DomainError):
    """What a query needs is being built; the message names it."""


class DatabaseUnavailable(DomainError):
    """MongoDB cannot be reached, or does not answer in time."""


class DatabaseRefusal(DatabaseUnavailable):
    """MongoDB answers, but not to this user: it is none, or has not the rights."""


class DatabaseTooNew(DomainError):
    """The documents are of a form that only a newer version of EventPost knows."""


class RevisionConflict(DomainError):
    """A resource is at none of the revisions that a write was made for."""


class StateConflict(DomainError):
    """A resource is in a state in which it is not written; the message says what would be right."""


class ContendedResource(DomainError):
    """Others kept changing what a change depends on; it may succeed when it is tried again."""


class IntentUnderWay(DomainError):
    """Somebody is at work already at what a request with the same key asks for."""


class OtherIntent(DomainError):
    """The key of a request is that of another one, which asked for something else."""


class BrokenRule(NamedTuple):
    """One member that breaks one rule.

    `pointer` is a JSON Pointer (RFC 6901) into the resource's representation,
    `detail` says what would be right.
    """

    pointer: str
    detail: str


# As many as a reader may want to mend at once; a body of 64 KiB can break thousands.
MOST_BROKEN_RULES = 20


class BreaksRules(DomainError):
    """Base of the errors that list broken rules.

    `broken_rules` are the first MOST_BROKEN_RULES, `more` is how many there are beside them.
    """

    def __init__(self, broken_rules: Sequence[BrokenRule], more: int = 0) -> None:
        """`more` is how many there are that are not given."""
        listed = tuple(broken_rules[:MOST_BROKEN_RULES])
        super().__init__(", ".join(f"{rule.pointer} {rule.detail}" for rule in listed))
        self.broken_rules = listed
        self.more = more + len(broken_rules) - len(listed)


class InvalidResource(BreaksRules):
    """A document from a client breaks rules of its model; all of them are counted."""


class UnreadableResource(BreaksRules):
    """What the database holds cannot be read as its resource: another program wrote it."""


class UnchangeableResource(BreaksRules):
    """A resource cannot be changed in part, since what the database holds cannot be read."""


class InvalidSetting(Exception):
    """A setting that cannot be used; the message names it, its value and what is allowed."""
