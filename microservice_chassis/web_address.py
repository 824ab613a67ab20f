"""Where clients, browsers and proxies are, as settings say it; checked before anything starts.

Each function returns its text in one form, and raises ValueError where it cannot be used.
"""

from __future__ import annotations

import re
from ipaddress import ip_network

ANY_ORIGIN = "*"

_DEFAULT_PORTS = {"http": "80", "https": "443"}

_NAME = r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?"
_HOST = rf"(?P<host>{_NAME}|\[[0-9a-f:.]+\])"
_PORT = r"(?P<port>6553[0-5]|655[0-2]\d|65[0-4]\d{2}|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})"
_ORIGIN = re.compile(rf"(?P<scheme>https?)://{_HOST}(?::{_PORT})?", re.ASCII)

# Segments that are neither empty, nor dots alone (RFC 3986, section 3.3).
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*")


def is_path(text: str) -> bool:
    """Whether a text is the path of a service: empty, or segments with a slash before each."""
    return _PATH.fullmatch(text) is not None


def public_url(text: str) -> str:
    """Return the URL below which clients find a service, without a slash behind it."""
    authority, slash, path = text.rstrip("/").partition("//")[2].partition("/")
    scheme = text.partition("//")[0]
    if not is_path(slash + path):
        raise ValueError
    return _origin(f"{scheme}//{authority}") + slash + path


def cors_origins(text: str) -> str:
    """Return the origins whose scripts may use a service, each as browsers send it; or `*`."""
    if text.strip() == ANY_ORIGIN:
        return ANY_ORIGIN
    return ",".join(_origin(each.strip()) for each in text.split(","))


def networks(text: str) -> str:
    """Return addresses, and networks as `10.0.0.0/8`."""
    return ",".join(str(ip_network(each.strip())) for each in text.split(","))


def _origin(text: str) -> str:
    """Return an origin as it is serialized (WHATWG HTML, "Origin")."""
    found = _ORIGIN.fullmatch(text.lower())
    if found is None:
        raise ValueError
    scheme, host, port = found.group("scheme", "host", "port")
    if host.startswith("["):
        host = f"[{ip_network(host[1:-1]).network_address}]"
    return f"{scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS[scheme] else "")
