"""An application with one find_one and nothing else: what is left without all that is EventPost."""

from __future__ import annotations

import os
from typing import Any

import falcon.asgi
import msgspec
from bson import ObjectId
from pymongo import AsyncMongoClient


class Item:
    """Reads one document and answers its JSON: nothing is checked, nothing can fail well."""

    def __init__(self, uri: str) -> None:
        self._collection = AsyncMongoClient[dict[str, Any]](uri)["EventsMicroservice"]["Events"]

    async def on_get(self, _: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:
        document = await self._collection.find_one({"_id": ObjectId(id)})
        assert document
        document["_id"] = id
        resp.data = msgspec.json.encode(document)


application: falcon.asgi.App[Any, Any] = falcon.asgi.App()
application.add_route("/events/{id}", Item(os.environ["MONGODB_URI"]))
