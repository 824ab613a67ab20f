"""/docs: the page itself."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from string import Template

import falcon.asgi

from microservice_chassis.http.api_page.file import NO_SNIFFING, SWAGGER_UI
from microservice_chassis.http.entity_tag import content_tag
from microservice_chassis.http.operation import Operation, read
from microservice_chassis.http.resource import BaseResource, answer_conditionally

HTML = "text/html"

# Content Security Policy Level 3. Nothing is loaded from elsewhere, and nothing runs that is not
# in a file; Swagger UI has its icons in data: URLs.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


class PageResource(BaseResource):
    """The API document, to be read and tried in a browser."""

    template = "/docs"
    is_open = True

    def __init__(self) -> None:
        self._page = Template((files(__package__) / "page.html").read_text())

    def operations(self) -> Mapping[str, Operation]:
        """Open it."""
        return {"GET": read("This document as a page to try it.", {HTML: {"type": "string"}})}

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200: the page, whose links are relative: it may lie below the path of a proxy."""
        here = "." if req.scope["path"].endswith("/") else "./docs"
        page = self._page.substitute(here=here, swagger_ui=f"{here}/{SWAGGER_UI.name}")
        resp.data = page.encode()
        resp.content_type = f"{HTML}; charset=utf-8"
        resp.set_headers({"Content-Security-Policy": _POLICY, **NO_SNIFFING})
        resp.etag = content_tag(resp.data)
        answer_conditionally(req, resp)

    on_head = on_get
