"""Index builds: the indexes of one collection, made behind the running service.

To build one takes as long as there are documents, and it is waited for whoever builds it: this
process, another one, or an operator. A lease is kept all the time, so that nobody else begins.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from pymongo import IndexModel
from pymongo.asynchronous.collection import AsyncCollection

from microservice_chassis.errors import DatabaseUnavailable
from microservice_chassis.storage.client import Document, reachable, unlimited
from microservice_chassis.storage.lease import RENEWAL_S, Lease

_logger = logging.getLogger(__name__)


class IndexBuilds:
    """Builds indexes under a lease that is held. Every method raises DatabaseUnavailable."""

    def __init__(self, collection: AsyncCollection[Document], name: str, lease: Lease) -> None:
        """`name` is the collection's in paths."""
        self._collection = collection
        self._name = name
        self._lease = lease

    async def build(self, indexes: Sequence[IndexModel]) -> None:
        """Build what is missing of these, and log it, since it may take long; the others stay."""
        missing = await self._missing(indexes)
        if missing:
            _logger.info("%s: building the indexes %s", self._name, ", ".join(missing))
        # NOTE: one that somebody else builds is listed, and waited for here.
        await self.create(indexes)
        if missing:
            _logger.info("%s: the indexes are built", self._name)

    async def create(self, indexes: Sequence[IndexModel]) -> None:
        """Return when there are these indexes, all of which are built in one pass."""
        if not indexes:
            return
        held = asyncio.create_task(self._keep_lease())
        try:
            with unlimited(), reachable():
                await self._collection.create_indexes(list(indexes))
        finally:
            held.cancel()

    async def _keep_lease(self) -> None:
        """Prolong the lease, as long as that is possible."""
        with suppress(DatabaseUnavailable):
            while await self._lease.hold():
                await asyncio.sleep(RENEWAL_S)

    async def _missing(self, indexes: Sequence[IndexModel]) -> list[str]:
        with reachable():
            there = await self._collection.index_information()
        wanted = [str(each.document["name"]) for each in indexes]
        return [name for name in wanted if name not in there]
