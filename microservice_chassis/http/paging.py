"""Pages of a collection: the link to the next one, and how many resources all of them have."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

import falcon.asgi

from microservice_chassis.storage.finder import Total


def link_to_next(path: str, parameters: Mapping[str, str], limit: int, cursor: str) -> str:
    """Return the Link header (RFC 8288) to the page behind `cursor`.

    It asks for what `parameters` have asked for. Its target is relative to the server, which need
    not know its name outside.
    """
    following = {**parameters, "limit": str(limit), "cursor": cursor}
    return f'<{path}?{urlencode(following, quote_via=quote)}>; rel="next"'


def answer_total(resp: falcon.asgi.Response, total: Total) -> None:
    """Answer how many resources a selection has, and how well that is known."""
    resp.set_header("Total-Count", str(total.number))
    resp.set_header("Total-Count-Precision", total.precision)
