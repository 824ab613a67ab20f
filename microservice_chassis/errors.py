"""Domain errors: what can go wrong between a resource and its collection.

Dators and models raise these; `problems` says which HTTP answer each one becomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class DomainError(Exception):
    """Base of all errors that are part of a dator's or a model's contract."""


class ResourceNotFound(DomainError):
    """There is no resource with this identifier."""


class DatabaseUnavailable(DomainError):
    """MongoDB cannot be reached, or does not answer in time."""


class BrokenRule(NamedTuple):
    """One member that breaks one rule.

    `pointer` is a JSON Pointer (RFC 6901) into the request's document,
    `detail` says what would be right.
    """

    pointer: str
    detail: str


class InvalidResource(DomainError):
    """A document breaks rules of its model; `broken_rules` lists all of them."""

    def __init__(self, broken_rules: Sequence[BrokenRule]) -> None:
        super().__init__(", ".join(f"{rule.pointer} {rule.detail}" for rule in broken_rules))
        self.broken_rules = tuple(broken_rules)
