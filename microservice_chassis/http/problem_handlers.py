"""Which problem each error becomes, of the domain and of Falcon (RFC 9457)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import falcon
import falcon.asgi
import msgspec

from microservice_chassis.errors import (
    BreaksRules,
    BrokenRule,
    ContendedResource,
    DatabaseTooNew,
    DatabaseUnavailable,
    DomainError,
    IndexNotReady,
    IntentUnderWay,
    InvalidCursor,
    InvalidParameter,
    InvalidResource,
    OtherIntent,
    ResourceNotFound,
    RevisionConflict,
    StateConflict,
    UnchangeableResource,
    UnreadableResource,
)
from microservice_chassis.problem import ABOUT_BLANK, MEDIA_TYPE, document

# How long a client should wait before it tries a MongoDB again that could not be reached.
_RETRY_AFTER_S = 1


class Problem(falcon.HTTPError):
    """An HTTP error that says what was wrong and what would be right."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[BrokenRule] = (),
        headers: Mapping[str, str] | None = None,
        type_: str = ABOUT_BLANK,
    ) -> None:
        super().__init__(status, description=detail, headers=dict(headers or {}))
        self.errors = [rule._asdict() for rule in errors]
        self.type = type_


def _not_found(_: DomainError) -> Problem:
    return Problem(404, "There is no resource with this id; an id is 24 hex digits.")


def _invalid_cursor(_: DomainError) -> Problem:
    return Problem(
        400,
        "The parameter cursor must be one that a Link header gave, with the same filters and sort.",
    )


def _invalid_parameter(error: DomainError) -> Problem:
    return Problem(400, str(error))


def _index_not_ready(_: DomainError) -> Problem:
    return _try_again("The index that this query needs is being built; try again later.")


def _listed(error: BreaksRules) -> str:
    return f"listed in errors, and {error.more} more" if error.more else "listed in errors"


def _invalid(error: BreaksRules) -> Problem:
    return Problem(
        422, f"The document breaks the rules {_listed(error)}.", errors=error.broken_rules
    )


def _unreadable(error: BreaksRules) -> Problem:
    return Problem(
        500,
        f"What the database holds breaks the rules {_listed(error)}: another program wrote it."
        " PUT replaces it, and DELETE removes it.",
        errors=error.broken_rules,
        type_="urn:eventpost:unreadable",
    )


def _unchangeable(error: BreaksRules) -> Problem:
    return Problem(
        409,
        f"What the database holds breaks the rules {_listed(error)}: no part of it can be changed."
        " PUT replaces the whole.",
        errors=error.broken_rules,
    )


def _state(error: DomainError) -> Problem:
    return Problem(409, str(error))


def _conflict(_: DomainError) -> Problem:
    return Problem(
        412,
        "If-Match must name the entity tag that the resource has now, and If-None-Match must not;"
        " * names the tag of whatever exists. GET tells the current one.",
    )


def _under_way(_: DomainError) -> Problem:
    return Problem(
        409,
        "A request for the same is under way, or was cut off a moment ago; try again, with the same"
        " Idempotency-Key.",
        headers={"Retry-After": str(_RETRY_AFTER_S)},
    )


def _other_intent(_: DomainError) -> Problem:
    return Problem(
        422,
        "This Idempotency-Key is that of a request with another body; another request needs a key"
        " of its own.",
    )


def _unavailable(_: DomainError) -> Problem:
    return _try_again("The database cannot be reached; try again soon.")


def _too_new(_: DomainError) -> Problem:
    return _try_again("A newer version of the service has taken over the database.")


def _contended(_: DomainError) -> Problem:
    return _try_again("Others kept changing the resource at the same time; try again.")


def _try_again(detail: str) -> Problem:
    return Problem(503, detail, headers={"Retry-After": str(_RETRY_AFTER_S)})


_PROBLEMS: Mapping[type[DomainError], Callable[[Any], Problem]] = {
    ResourceNotFound: _not_found,
    InvalidCursor: _invalid_cursor,
    InvalidParameter: _invalid_parameter,
    IndexNotReady: _index_not_ready,
    InvalidResource: _invalid,
    UnreadableResource: _unreadable,
    UnchangeableResource: _unchangeable,
    StateConflict: _state,
    RevisionConflict: _conflict,
    IntentUnderWay: _under_way,
    OtherIntent: _other_intent,
    ContendedResource: _contended,
    DatabaseUnavailable: _unavailable,
    DatabaseTooNew: _too_new,
}


def problem_of(error: DomainError) -> Problem:
    """Return the problem that a domain error becomes, as the nearest of its classes says."""
    kind = next(each for each in type(error).__mro__ if each in _PROBLEMS)
    return _PROBLEMS[kind](error)


# What to say of Falcon's own errors, instead of what Falcon says.
_DETAILS = {
    400: "The request is not valid HTTP.",
    404: "There is nothing at this path.",
    405: "This path does not allow the method; the Allow header lists those that it does.",
}


def add_problem_handlers(app: falcon.asgi.App[Any, Any]) -> None:
    """Make problem documents of the domain's errors and of Falcon's, and let others pass."""
    app.set_error_serializer(_serialize)
    app.add_error_handler(DomainError, _handle_domain_error)
    app.add_error_handler(Exception, _leave_to_the_error_boundary)


def _serialize(_: falcon.asgi.Request, resp: falcon.asgi.Response, error: falcon.HTTPError) -> None:
    status = error.status_code
    if isinstance(error, Problem):
        problem = document(status, str(error.description), error.errors, error.type)
    else:
        problem = document(status, _DETAILS.get(status, HTTPStatus(status).description))
    resp.content_type = MEDIA_TYPE
    resp.data = msgspec.json.encode(problem)


async def _handle_domain_error(
    _req: falcon.asgi.Request,
    _resp: falcon.asgi.Response,
    error: DomainError,
    _params: dict[str, Any],
) -> None:
    raise problem_of(error)


async def _leave_to_the_error_boundary(
    _req: falcon.asgi.Request,
    _resp: falcon.asgi.Response,
    error: Exception,
    _params: dict[str, Any],
) -> None:
    raise error
