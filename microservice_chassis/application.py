"""The application of a service: composes the rooms, and alone sees all of them."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar, Unpack

import falcon.asgi
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from microservice_chassis.caching.attachment import Attachment
from microservice_chassis.caching.local_store import LocalStore
from microservice_chassis.caching.no_store import NoStore
from microservice_chassis.caching.redis_store import RedisStore
from microservice_chassis.caching.store import Store
from microservice_chassis.edge.asgi import Application
from microservice_chassis.edge.cors import CorsLayer
from microservice_chassis.edge.exchange import ExchangeLayer
from microservice_chassis.edge.keys import KeyLayer, Keys
from microservice_chassis.edge.origin import Origins
from microservice_chassis.edge.request_counts import RequestCounts
from microservice_chassis.edge.request_log import RequestLog
from microservice_chassis.edge.response_cache import ResponseCache
from microservice_chassis.edge.routes import Routes
from microservice_chassis.edge.span import Tracer
from microservice_chassis.errors import InvalidSetting
from microservice_chassis.http.api_page.file import page_files
from microservice_chassis.http.api_page.page import PageResource
from microservice_chassis.http.collection import CollectionResource
from microservice_chassis.http.health import LiveResource, ReadyResource
from microservice_chassis.http.item import ItemResource
from microservice_chassis.http.metrics import MetricsResource
from microservice_chassis.http.negotiation import Negotiation
from microservice_chassis.http.openapi.access import Access
from microservice_chassis.http.openapi.document import ApiDocument
from microservice_chassis.http.openapi.resource import OpenApiResource
from microservice_chassis.http.privacy import Privacy
from microservice_chassis.http.problem_handlers import add_problem_handlers
from microservice_chassis.http.resource import BaseResource, DatorResource
from microservice_chassis.metrics.exposition import Collect, Exposition, build_info
from microservice_chassis.metrics.publisher import Counted, Publisher
from microservice_chassis.process import refusal
from microservice_chassis.process.background import Background, Work
from microservice_chassis.process.halt import Halt
from microservice_chassis.process.run_directory import METRICS_VARIABLE
from microservice_chassis.process.shared_file import SharedFile, open_shared_file
from microservice_chassis.schema.member import Rule
from microservice_chassis.schema.schema import Resource
from microservice_chassis.settings import S, ServiceSettings, read_settings
from microservice_chassis.storage.client import Document, connect
from microservice_chassis.storage.dator import Dator
from microservice_chassis.storage.deployment import Deployment
from microservice_chassis.storage.identifiers import Identifiers
from microservice_chassis.storage.migrator import Migrator
from microservice_chassis.storage.rollback import Rollback
from microservice_chassis.storage.unstamped_writes import UnstampedWrites
from microservice_chassis.tracing import request_tracing

R = TypeVar("R", bound=Resource)

_logger = logging.getLogger(__name__)


class _Lifespan:
    """Starts and stops with a worker what works in its background."""

    def __init__(self, background: Background, state: Mapping[str, Any]) -> None:
        """`state` is what the server is to find in the state of the lifespan, if it keeps one."""
        self._background = background
        self._state = state

    async def process_startup(self, scope: Mapping[str, Any], _event: Mapping[str, Any]) -> None:
        if "state" in scope:
            scope["state"].update(self._state)
        await self._background.start()

    async def process_shutdown(self, _scope: Mapping[str, Any], _event: Mapping[str, Any]) -> None:
        await self._background.stop()


def application_attribute(
    create_app: Callable[[S], Application], kind: type[S]
) -> Callable[[str], Application]:
    """Return a module's `__getattr__` (PEP 562) whose `application` is made once, when asked for.

    It is the one that the environment's settings describe; where one of them cannot be used,
    the process ends with a line that says why.
    """

    @functools.cache
    def application() -> Application:
        try:
            return create_app(read_settings(kind, os.environ))
        except InvalidSetting as error:
            raise SystemExit(f"EventPost cannot start: {error}") from None

    def attribute(name: str) -> Application:
        if name == "application":
            return application()
        raise AttributeError(name)

    return attribute


class Collaborators(TypedDict, total=False):
    """What a service is given by those who have it already: tests, and who runs it in parts.

    `client` is one for MONGODB_URI, `shared` the file in memory that the processes of DATA_DIR
    share; each is made by the settings where it is not given.
    """

    client: AsyncMongoClient[Document]
    shared: SharedFile


class Parts(NamedTuple, Generic[R]):
    """What stands behind the HTTP of a service."""

    settings: ServiceSettings
    client: AsyncMongoClient[Document]
    store: Store
    dator: Dator[R]
    migrator: Migrator[R]


def create_parts(
    settings: ServiceSettings,
    dator_class: type[Dator[R]],
    *,
    defaults: Mapping[str, Any] | None = None,
    rules: Mapping[str, Rule] | None = None,
    options: Mapping[str, Any] | None = None,
    **collaborators: Unpack[Collaborators],
) -> Parts[R]:
    """Return the parts of a service; nothing is connected yet.

    `defaults` and `rules` are of members for which a setting decides; `options` are further
    arguments of the service's own dator.
    """
    client = collaborators.get("client") or connect(settings.mongodb_uri)
    shared = collaborators.get("shared") or open_shared_file(
        os.environ, Path(settings.data_dir), settings.web_concurrency
    )
    attachment = Attachment(shared)
    database = client[settings.mongodb_database]
    deployment = Deployment(database, dator_class.name, defaults or {})
    store = _store(dator_class.name, settings, database, attachment, deployment)
    identifiers = Identifiers(attachment)
    dator = dator_class(
        database, deployment, store, identifiers, defaults, rules, **(options or {})
    )
    return Parts(settings, client, store, dator, Migrator(dator, store, Halt()))


class Service(ExchangeLayer):
    """The application of a service: its outermost layer, and what it reads again when told to."""

    def __init__(
        self,
        app: Application,
        routes: Routes,
        origins: Origins,
        keys: Keys | None,
        counts: RequestCounts,
        log: RequestLog,
        tracer: Tracer | None,
    ) -> None:
        super().__init__(app, routes, counts, log, tracer, origins)
        self.templates = routes.templates
        self._keys = keys

    def reload(self) -> None:
        """Read the file of API keys again: the workers that are forked from now on go by it.

        Where it cannot be used, they go by what it was, and the log says why.
        """
        if self._keys is None:
            return
        try:
            self._keys.read()
        except InvalidSetting as error:
            _logger.error("the API keys stay as they were: %s", error)
        else:
            _logger.info("the API keys have been read again: there are %d", len(self._keys))


def create_application(
    parts: Parts[R],
    collection_class: type[CollectionResource[R]],
    item_class: type[ItemResource[R]],
    *others: type[DatorResource[R]],
    collectors: Sequence[Collect] = (),
    public_read: bool = False,
) -> Service:
    """Return the application that serves one collection and its items.

    `others` are representations of these that have a path of their own; `collectors` return
    metrics that only this service has, each time that somebody asks for them; `public_read` says
    that all of the resources can be read without an API key.
    """
    settings = parts.settings
    counts, log = RequestCounts(), RequestLog(settings.log_requests)
    directory = os.environ.get(METRICS_VARIABLE)
    exposition = Exposition(directory, [*collectors, build_info(parts.dator.name)])
    of_dator = [each(parts.dator) for each in (collection_class, item_class, *others)]
    resources: list[BaseResource] = [
        *of_dator,
        LiveResource(),
        ReadyResource(parts.dator.check),
        MetricsResource(exposition.render),
    ]

    def document() -> Mapping[str, Any]:
        access = Access(settings.api_keys_file is not None, public_read)
        return ApiDocument(parts.dator.name, parts.dator.schema, access).of(resources)

    resources += [OpenApiResource(document), PageResource(), *page_files()]
    routes = Routes(
        parts.dator.name,
        {each.template: each.offer for each in resources},
        [each.template for each in resources if each.is_absolute],
    )
    origins = Origins(settings.public_url, settings.trusted_proxies)
    tracing = request_tracing(parts.dator.name, os.environ)
    work: list[Work] = [
        *([tracing] if tracing else ()),
        parts.store,
        parts.migrator,
        Rollback(parts.dator),
        Publisher(_counted(parts, counts)),
    ]
    lifespan = _Lifespan(Background(work), {refusal.LISTENERS: (counts.refused, log.refused)})
    # The layers that a request goes through, from the innermost one outwards.
    app: Application = _falcon(resources, lifespan)
    app = ResponseCache(app, parts.store, path_varies=origins.path_varies)
    keys = None
    if settings.api_keys_file is not None:
        keys = Keys(settings.api_keys_file)
        opened = [each.template for each in resources if each.is_open]
        public = [each.template for each in of_dator] if public_read else []
        app = KeyLayer(app, keys, opened, public)
    if settings.cors_allow_origins is not None:
        app = CorsLayer(app, settings.cors_allow_origins)
    return Service(app, routes, origins, keys, counts, log, tracing)


def _counted(parts: Parts[R], requests: RequestCounts) -> Counted:
    """Return what a worker counts, and its state."""
    bulkhead = parts.dator.bulkhead
    return Counted(
        requests,
        bulkhead.counts,
        waiting=lambda: bulkhead.waiting,
        cache_usable=lambda: parts.store.usable,
        to_migrate=lambda: parts.migrator.to_go,
    )


def _falcon(resources: Sequence[BaseResource], lifespan: _Lifespan) -> Application:
    """Return the Falcon application that serves these resources."""
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    app.add_middleware([Negotiation(), Privacy(), lifespan])
    app.req_options.strip_url_path_trailing_slash = True
    add_problem_handlers(app)
    for resource in resources:
        app.add_route(resource.template, resource)
    return app


def _store(
    name: str,
    settings: ServiceSettings,
    database: AsyncDatabase[Document],
    attachment: Attachment,
    deployment: Deployment,
) -> Store:
    """Return the store that the settings ask for."""
    if settings.cache_type == "null":
        return NoStore()
    if settings.redis_url is None:
        return LocalStore(settings.cache_timeout, attachment)
    return RedisStore(
        settings.redis_url,
        settings.cache_timeout,
        UnstampedWrites(database["UnstampedWrites"], name),
        deployment.id,
    )
