"""/docs/...: the files that the page loads, each of which is a resource of its own.

So there is nothing else below the page, and no path leads out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

import falcon.asgi
from swagger_ui_bundle import swagger_ui_path

from microservice_chassis.http.entity_tag import content_tag
from microservice_chassis.http.operation import Operation
from microservice_chassis.http.resource import BaseResource, answer_conditionally

# Where the package has the files of Swagger UI; the name of the folder has the version.
SWAGGER_UI = swagger_ui_path
_OF_SWAGGER_UI = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")

# A browser takes a file for what it is said to be (Fetch Standard, "X-Content-Type-Options").
NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}

# RFC 8246: of another version the path is another one.
_FOR_EVER = "public, max-age=31536000, immutable"

_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "png": "image/png"}


class FileResource(BaseResource):
    """One file of the page."""

    is_open = True

    def __init__(self, folder: str, file: Traversable, cache_control: str) -> None:
        """`folder` is the path in front of the file's name."""
        self.template = f"{folder}/{file.name}"
        self._file = file
        self._cache_control = cache_control
        self._media_type = _MEDIA_TYPES[file.name.rpartition(".")[2]]

    def operations(self) -> Mapping[str, Operation]:
        """None: it is a part of the page, and of no use without it."""
        return {}

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200: the file; 304 if the client has it already."""
        # NOTE: browsers keep it, so it is not worth memory in each worker.
        resp.data = self._file.read_bytes()
        resp.content_type = self._media_type
        resp.set_headers({"Cache-Control": self._cache_control, **NO_SNIFFING})
        resp.etag = content_tag(resp.data)
        answer_conditionally(req, resp)

    on_head = on_get


def page_files() -> Sequence[FileResource]:
    """Return all the files that the page loads."""
    folder = f"/docs/{SWAGGER_UI.name}"
    return [
        FileResource("/docs", files(__package__) / "start.js", "no-cache"),
        *(FileResource(folder, SWAGGER_UI / name, _FOR_EVER) for name in _OF_SWAGGER_UI),
    ]
