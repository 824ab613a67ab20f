"""SMTP_URL: where mail is handed in, as whom, and how the connection is kept private."""

from __future__ import annotations

import ssl
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

# RFC 8314, section 3.3, and RFC 6409, section 3.1: ports for the submission of mail.
_TLS_PORT = 465
_PORT = 587


class SmtpServer(NamedTuple):
    """An SMTP server; `start_tls` upgrades the connection, `use_tls` begins with TLS."""

    host: str
    port: int
    user: str | None
    password: str | None
    use_tls: bool
    start_tls: bool
    cafile: str | None

    def tls_context(self) -> ssl.SSLContext | None:
        """Return what checks the server's certificate and its name, or None without TLS."""
        if not (self.use_tls or self.start_tls):
            return None
        return ssl.create_default_context(cafile=self.cafile)


def smtp_server(url: str) -> SmtpServer:
    """Return the server of a URL that the settings have accepted."""
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    use_tls = parts.scheme == "smtps"
    return SmtpServer(
        host=parts.hostname or "",
        port=parts.port or (_TLS_PORT if use_tls else _PORT),
        user=_decoded(parts.username),
        password=_decoded(parts.password),
        use_tls=use_tls,
        start_tls=not use_tls and options.get("starttls") != ["none"],
        cafile=options.get("cafile", [None])[0],
    )


def _decoded(text: str | None) -> str | None:
    return None if text is None else unquote(text)
