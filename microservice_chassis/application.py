"""The Falcon application of a service, with everything that is the same in each."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import falcon.asgi
from pymongo import AsyncMongoClient

from microservice_chassis.cache import CoherentCache
from microservice_chassis.database import Document, connect
from microservice_chassis.dator import Dator
from microservice_chassis.health import LiveResource, ReadyResource
from microservice_chassis.problems import Problem, add_problem_handlers
from microservice_chassis.resources import CollectionResource, ItemResource
from microservice_chassis.schema import Resource, Schema
from microservice_chassis.settings import InvalidSetting, S, ServiceSettings, read_settings
from microservice_chassis.stamps import SharedStamps

Application = Callable[..., Awaitable[None]]

R = TypeVar("R", bound=Resource)


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
    name: str,
    schema: Schema[R],
    dator_class: type[Dator[R]],
    collection_class: type[CollectionResource[R]],
    item_class: type[ItemResource[R]],
    settings: ServiceSettings,
    client: AsyncMongoClient[Document] | None = None,
) -> Application:
    """Return the application that serves the collection `name` at `/name`, and its items below.

    MongoDB has it under the same name with a capital letter.
    `client` is one for MONGODB_URI unless it is given.
    """
    if client is None:
        client = connect(settings.mongodb_uri)
    cache = CoherentCache(settings.cache_type, settings.cache_timeout, SharedStamps())
    caching = cache.middleware
    documents = client[settings.mongodb_database][name.capitalize()]
    dator = dator_class(name, documents, schema, cache.stamps)
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    app.add_middleware([AcceptJson(), caching])
    app.req_options.strip_url_path_trailing_slash = True
    add_problem_handlers(app)
    app.add_route(f"/{name}", collection_class(dator, schema))
    app.add_route(f"/{name}/{{id}}", item_class(dator, schema))
    app.add_route("/health/live", LiveResource())
    app.add_route("/health/ready", ReadyResource(client))
    return caching.in_front_of(app)
