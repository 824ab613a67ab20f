"""Bare Falcon applications, as ceilings: what is left without everything that is EventPost."""

from __future__ import annotations

import os
from typing import Any

import falcon.asgi
import msgspec
from bson import ObjectId
from pymongo import AsyncMongoClient


class Nothing:
    """Answers the same few bytes, whatever it is asked."""

    async def on_get(self, _: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:  # noqa: ARG002
        resp.data = b"{}"


class FindOne:
    """Reads one document and answers its JSON: nothing is checked, nothing can fail well."""

    def __init__(self, uri: str) -> None:
        self._collection = AsyncMongoClient[dict[str, Any]](uri)["EventsMicroservice"]["Events"]

    async def on_get(self, _: falcon.asgi.Request, resp: falcon.asgi.Response, id: str) -> None:
        document = await self._collection.find_one({"_id": ObjectId(id)})
        assert document
        document["_id"] = id
        resp.data = msgspec.json.encode(document)


def __getattr__(name: str) -> falcon.asgi.App[Any, Any]:
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    if name == "nothing":
        app.add_route("/events/{id}", Nothing())
    elif name == "find_one":
        app.add_route("/events/{id}", FindOne(os.environ["MONGODB_URI"]))
    else:
        raise AttributeError(name)
    return app
