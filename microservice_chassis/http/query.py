"""The parameters of a request's query."""

from __future__ import annotations

from collections.abc import Collection

import falcon.asgi
from falcon.uri import parse_query_string

from microservice_chassis.errors import InvalidParameter
from microservice_chassis.schema.shown import shown


def query_parameters(req: falcon.asgi.Request, known: Collection[str] = ()) -> dict[str, str]:
    """Return the query's parameters, each of which must be known and given once.

    Raises:
        InvalidParameter
    """
    if not req.query_string:
        return {}
    parameters: dict[str, str] = {}
    for name, value in parse_query_string(req.query_string, keep_blank=True).items():
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise InvalidParameter(
                f"The parameter {shown(name)} is unknown; the parameters here are: {allowed}."
            )
        if isinstance(value, list):
            raise InvalidParameter(f"The parameter {name} must be given only once.")
        parameters[name] = value
    return parameters
