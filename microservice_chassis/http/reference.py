"""References to what a service has, as its clients can follow them."""

from __future__ import annotations

import falcon.asgi

from microservice_chassis.edge.origin import origin_of, path_of


def reference(req: falcon.asgi.Request, path: str) -> str:
    """Return the relative reference to a path of the service, for links and Location.

    It begins with a slash, and so never names another host (RFC 3986, section 4.2).
    """
    return path_of(req.scope) + path


def absolute_url(req: falcon.asgi.Request, path: str) -> str:
    """Return the URL of a path of the service, for what is read away from it, like a calendar."""
    return origin_of(req.scope).url + path
