"""Problem details: every error of a service as application/problem+json (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import falcon
import falcon.asgi
import msgspec

from microservice_chassis.errors import (
    DatabaseUnavailable,
    DomainError,
    InvalidResource,
    ResourceNotFound,
)

MEDIA_TYPE = "application/problem+json"

# How long a client should wait before it tries a MongoDB again that could not be reached.
_RETRY_AFTER_S = 1

_logger = logging.getLogger(__name__)


def document(
    status: int, detail: str, errors: Sequence[Mapping[str, str]] | None = None
) -> dict[str, Any]:
    """Return a problem document (RFC 9457, section 3); `type` says that the status says it all."""
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        problem["errors"] = errors
    return problem


class Problem(falcon.HTTPError):
    """An HTTP error that says what was wrong and what would be right."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, description=detail, headers=dict(headers or {}))
        self.errors = errors


def _not_found(_: DomainError) -> Problem:
    return Problem(404, "There is no resource with this id; an id is 24 hex digits.")


def _invalid(error: DomainError) -> Problem:
    assert isinstance(error, InvalidResource)
    errors = [rule._asdict() for rule in error.broken_rules]
    return Problem(422, "The document breaks the rules listed in errors.", errors=errors)


def _unavailable(error: DomainError) -> Problem:
    _logger.warning("MongoDB is unavailable: %s", error)
    return Problem(
        503,
        "The database cannot be reached; try again soon.",
        headers={"Retry-After": str(_RETRY_AFTER_S)},
    )


_PROBLEMS: Mapping[type[DomainError], Callable[[DomainError], Problem]] = {
    ResourceNotFound: _not_found,
    InvalidResource: _invalid,
    DatabaseUnavailable: _unavailable,
}

# What to say where Falcon's own errors say nothing.
_DETAILS = {
    400: "The request is not valid HTTP.",
    404: "There is nothing at this path.",
    405: "This path does not allow the method; the Allow header lists those that it does.",
}


def add_problem_handlers(app: falcon.asgi.App[Any, Any]) -> None:
    """Make every error that leaves a responder, and every one of Falcon's, a problem document."""
    app.set_error_serializer(_serialize)
    app.add_error_handler(DomainError, _handle_domain_error)
    app.add_error_handler(Exception, _handle_uncaught)


def _serialize(_: falcon.asgi.Request, resp: falcon.asgi.Response, error: falcon.HTTPError) -> None:
    status = error.status_code
    detail = error.description or _DETAILS.get(status, HTTPStatus(status).description)
    errors = error.errors if isinstance(error, Problem) else None
    resp.content_type = MEDIA_TYPE
    resp.data = msgspec.json.encode(document(status, detail, errors))


async def _handle_domain_error(
    _req: falcon.asgi.Request,
    _resp: falcon.asgi.Response,
    error: DomainError,
    _params: dict[str, Any],
) -> None:
    raise _PROBLEMS[type(error)](error)


async def _handle_uncaught(
    req: falcon.asgi.Request,
    _resp: falcon.asgi.Response,
    error: Exception,
    _params: dict[str, Any],
) -> None:
    _logger.error("uncaught exception in %s %s", req.method, req.path, exc_info=error)
    raise Problem(500, "The service failed; its log says why.")
