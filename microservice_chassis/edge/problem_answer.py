"""Problems as the edge answers them: what comes no further than a layer."""

from __future__ import annotations

import msgspec

from microservice_chassis import problem
from microservice_chassis.edge.asgi import Scope, Send


async def answer_problem(
    scope: Scope, send: Send, status: int, detail: str, *headers: tuple[bytes, bytes]
) -> None:
    """Answer a request with a problem; to HEAD without content (RFC 9110, section 9.3.2)."""
    body = msgspec.json.encode(problem.document(status, detail))
    fields = [
        (b"content-type", problem.MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    content = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": content})
