"""The reader: reads the resources of one collection, one by its id, or those of a query by pages.

The `finder` says which documents a page has. The reader makes of them what a client is given: the
representations of those that can be read, and the cursor of the page behind.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.collection import AsyncCollection

from microservice_chassis.errors import IndexNotReady, ResourceNotFound, UnreadableResource
from microservice_chassis.schema.query import Query
from microservice_chassis.schema.schema import Resource
from microservice_chassis.storage.bulkhead import Bulkhead
from microservice_chassis.storage.codec import DocumentCodec, Stored
from microservice_chassis.storage.cursor import Cursor
from microservice_chassis.storage.deployment import Deployment
from microservice_chassis.storage.finder import Finder, Total
from microservice_chassis.storage.identifiers import parse_id
from microservice_chassis.storage.raw_bson import decode
from microservice_chassis.storage.representations import Representations
from microservice_chassis.storage.selection import Selection
from microservice_chassis.storage.time_slices import TimeSlices
from microservice_chassis.storage.unreadable import UnreadableLog
from microservice_chassis.storage.updates import now

M = TypeVar("M", bound=Resource)

# What makes a representation of a resource, and of the document in which it is kept.
Encode = Callable[[Stored[M]], bytes]
Represent = Callable[[bytes], bytes]

# What makes a selection of a query, and of the moment that it is asked at where it depends on that.
Select = Callable[[Any, datetime | None], Selection]

# How many documents a walk takes at once.
_STEP = 500


class Page(NamedTuple):
    """Representations of resources in a row, and the cursor of the page behind, if one may follow.

    `total` is how many resources all pages have, if that was asked for.
    """

    representations: list[bytes]
    next: str | None
    total: Total | None = None


class Reader(Generic[M]):
    """Reads the resources of one collection. Every method raises DatabaseUnavailable."""

    def __init__(
        self,
        documents: AsyncCollection[RawBSONDocument],
        finder: Finder,
        bulkhead: Bulkhead,
        deployment: Deployment,
        codec: Callable[[], Awaitable[DocumentCodec[M]]],
        select: Select,
        log: UnreadableLog,
    ) -> None:
        """`finder` is one of the same documents; `log` is told of those that cannot be read."""
        self._documents = documents
        self._finder = finder
        self._bulkhead = bulkhead
        self._deployment = deployment
        self._codec = codec
        self._select = select
        self._log = log
        self._representations: Representations | None = None
        self._slices = TimeSlices()
        self._searchable = False

    async def find(self, identifier: str) -> Stored[M]:
        """Return one resource.

        Raises:
            ResourceNotFound
            UnreadableResource
        """
        key = parse_id(identifier)
        codec = await self._codec()
        async with self._bulkhead.operation():
            # NOTE: of one document, to name its members costs more than it saves.
            document = await self._documents.find_one({"_id": key}, {"search": 0})
        if document is None:
            raise ResourceNotFound(identifier)
        try:
            return codec.read(document.raw)
        except UnreadableResource as error:
            self._log.add(key, error)
            raise

    async def page(self, query: Query, encode: Encode[M] | None = None) -> Page:
        """Return the page that a query describes; resources that cannot be read are left out.

        The representations are JSON, which is remembered; what `encode` makes is not.

        Raises:
            InvalidCursor
            IndexNotReady
        """
        codec = await self._codec()
        digest = query.selection_digest()
        cursor = None if query.cursor is None else Cursor.of(query.cursor, digest)
        began = (cursor and cursor.now) or (now() if query.relative else None)
        selection = self._select(query, began)
        await self._check_searchable(selection)
        after, few = (None, None) if cursor is None else (cursor.position, cursor.few)
        found = await self._finder.page(selection, query.limit, after, few)
        follows = found.next and Cursor(digest, began, found.next, found.few).text()
        total = await self._finder.total(selection) if query.count else None
        representations = await self._readable(found.documents, self._represent(codec, encode))
        return Page(representations, follows, total)

    async def walk(self, query: Query, encode: Encode[M]) -> AsyncGenerator[list[bytes], None]:
        """Yield what `encode` makes of all that a query selects, page by page.

        Raises:
            IndexNotReady
        """
        cursor = None
        while True:
            step = msgspec.structs.replace(query, limit=_STEP, cursor=cursor)
            page = await self.page(step, encode)
            yield page.representations
            cursor = page.next
            if cursor is None:
                return

    async def _check_searchable(self, selection: Selection) -> None:
        """Raise IndexNotReady where documents may lack what a selection needs of them."""
        if self._searchable or (selection.whole and selection.order.key == "_id"):
            return
        async with self._bulkhead.operation():
            self._searchable = await self._deployment.is_searchable()
        if not self._searchable:
            raise IndexNotReady("documents of earlier versions are being migrated")

    def _represent(self, codec: DocumentCodec[M], encode: Encode[M] | None) -> Represent:
        if encode is not None:
            return lambda raw: encode(codec.read(raw))
        if self._representations is None:
            self._representations = Representations(codec.json)
        return self._representations.json

    async def _readable(self, documents: list[bytes], represent: Represent) -> list[bytes]:
        """Return the representations of those that can be read, and let others run in between."""

        def represent_or_warn(raw: bytes) -> bytes | None:
            try:
                return represent(raw)
            except UnreadableResource as error:
                self._log.add(decode(raw)["_id"], error)
                return None

        found = await self._slices.map(represent_or_warn, documents)
        return [each for each in found if each is not None]
