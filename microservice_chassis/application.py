"""The Falcon application of a service, with everything that is the same in each."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import falcon.asgi
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.cache import CoherentCache
from microservice_chassis.database import Document, connect
from microservice_chassis.dator import Dator
from microservice_chassis.health import LiveResource, ReadyResource
from microservice_chassis.local_store import LocalStore
from microservice_chassis.problems import Problem, add_problem_handlers
from microservice_chassis.redis_store import RedisStore
from microservice_chassis.resources import CollectionResource, ItemResource
from microservice_chassis.schema import Resource, Schema
from microservice_chassis.settings import InvalidSetting, S, ServiceSettings, read_settings
from microservice_chassis.store import NoStore, Store
from microservice_chassis.unstamped_writes import UnstampedWrites

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
    database = client[settings.mongodb_database]
    store = _store(name, settings, database)
    caching = CoherentCache(name, store, settings.cache_timeout).middleware
    dator = dator_class(name, database[name.capitalize()], schema, store)
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    app.add_middleware([AcceptJson(), caching])
    app.req_options.strip_url_path_trailing_slash = True
    add_problem_handlers(app)
    app.add_route(f"/{name}", collection_class(dator, schema))
    app.add_route(f"/{name}/{{id}}", item_class(dator, schema))
    app.add_route("/health/live", LiveResource())
    app.add_route("/health/ready", ReadyResource(client))
    return caching.in_front_of(app)


def _store(name: str, settings: ServiceSettings, database: AsyncDatabase[Document]) -> Store:
    """Return the store that the settings ask for."""
    if settings.cache_type == "null":
        return NoStore()
    if settings.cache_type == "simple":
        return LocalStore(settings.cache_timeout)
    if settings.cache_redis_url is None:
        raise InvalidSetting("CACHE_REDIS_URL must be set where CACHE_TYPE is redis")
    return RedisStore(
        settings.cache_redis_url,
        f"eventpost:{settings.mongodb_database}:",
        settings.cache_timeout,
        UnstampedWrites(database["UnstampedWrites"], name),
    )
