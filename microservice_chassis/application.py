"""The Falcon application of a service, with everything that is the same in each."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import falcon.asgi
from pymongo import AsyncMongoClient

from microservice_chassis.cache import CoherentCache
from microservice_chassis.database import Document
from microservice_chassis.health import LiveResource, ReadyResource
from microservice_chassis.problems import Problem, add_problem_handlers
from microservice_chassis.resources import CollectionResource, ItemResource
from microservice_chassis.settings import InvalidSetting, S, read_settings

Application = Callable[..., Awaitable[None]]


class AcceptJson:
    """Refuses, before anything is done, a request whose client does not accept JSON."""

    async def process_request(self, req: falcon.asgi.Request, _resp: falcon.asgi.Response) -> None:
        """Raise a 406 problem unless Accept allows application/json (RFC 9110, section 12.5.1)."""
        accept = req.accept
        if accept != "*/*" and not req.client_accepts_json:
            raise Problem(406, "The answer is application/json; Accept must allow it.")


def application_or_exit(create_app: Callable[[S], Application], kind: type[S]) -> Application:
    """Return the application that the environment's settings describe.

    Where one of them cannot be used, end the process with a line that says why.
    """
    try:
        return create_app(read_settings(kind, os.environ))
    except InvalidSetting as error:
        raise SystemExit(f"EventPost cannot start: {error}") from None


def create_application(
    path: str,
    client: AsyncMongoClient[Document],
    cache: CoherentCache,
    collection: CollectionResource[Any],
    item: ItemResource[Any],
) -> Application:
    """Return the application that serves `collection` at `path` and its items below it."""
    caching = cache.middleware
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    app.add_middleware([AcceptJson(), caching])
    app.req_options.strip_url_path_trailing_slash = True
    add_problem_handlers(app)
    app.add_route(path, collection)
    app.add_route(f"{path}/{{id}}", item)
    app.add_route("/health/live", LiveResource())
    app.add_route("/health/ready", ReadyResource(client))
    return caching.in_front_of(app)
