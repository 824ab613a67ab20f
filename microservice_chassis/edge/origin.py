"""The origin of a service: where a client has reached it, as absolute URLs must name it.

PUBLIC_URL says it, or else the request: its Host and scheme, or, where it comes from a trusted
proxy, what the proxies say that they were asked (RFC 7239, or the older X-Forwarded-*).
What comes from anybody else is not believed, and what is malformed does not count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from microservice_chassis.edge.asgi import Scope, header
from microservice_chassis.edge.list_header import elements, parameters
from microservice_chassis.web_address import is_path

# Where others find in a scope what tells the origin of its request.
ORIGINS = "eventpost.origins"

_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")

# What names an address in `for` (RFC 7239, section 6), or in X-Forwarded-For; perhaps with a port.
_NODE = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([0-9.]+)(?::\d+)?|([0-9A-Fa-f:.]+)")

_FORWARDED = b"forwarded"
_OLDER = b"x-forwarded-"


class Origin(NamedTuple):
    """The scheme, host and port of a service, like https://example.org, and the path below it."""

    base: str
    path: str

    @property
    def url(self) -> str:
        """What a path of the service stands behind in an absolute URL."""
        return self.base + self.path


class _Hop(NamedTuple):
    """What a proxy says of the request that it was asked; empty where it says nothing."""

    node: str = ""
    scheme: str = ""
    host: str = ""
    path: str = ""


class Origins:
    """Tells the origin of each request."""

    def __init__(self, public_url: str | None = None, proxies: str | None = None) -> None:
        """`public_url` and `proxies` are PUBLIC_URL and TRUSTED_PROXIES."""
        self._public = _split(public_url) if public_url else None
        self._networks = [ip_network(each) for each in proxies.split(",")] if proxies else []
        # Those who connect are few; what they say of others is not worth memory.
        self._is_proxy = lru_cache(maxsize=256)(self._is_trusted)

    @property
    def path_varies(self) -> bool:
        """Whether the paths that clients see depend on what proxies say of a request."""
        return self._public is None and bool(self._networks)

    def origin(self, scope: Scope) -> Origin:
        """Return where the client has reached the service."""
        if self._public is not None:
            return self._public
        said = self._said_by_proxies(scope)
        host = said.host or _host(header(scope["headers"], b"host")) or _own_address(scope)
        return Origin(f"{said.scheme or scope['scheme']}://{host}", said.path)

    def path(self, scope: Scope) -> str:
        """Return the path below which the client has reached the service, mostly none."""
        if self._public is not None:
            return self._public.path
        return self._said_by_proxies(scope).path if self._networks else ""

    def _said_by_proxies(self, scope: Scope) -> _Hop:
        """Return what trusted proxies say; of several in a row each knows better than those behind.

        Whom a trusted proxy names as its client is the next one, up to the first that is none.
        """
        peer = scope.get("client")
        if not self._networks or peer is None or not self._is_proxy(peer[0]):
            return _Hop()
        said = _Hop()
        for hop in _hops(scope):
            said = _Hop(hop.node, *(new or old for new, old in zip(hop[1:], said[1:], strict=True)))
            if not self._is_trusted(hop.node):
                break
        return said

    def _is_trusted(self, node: str) -> bool:
        address = _address(node)
        return address is not None and any(address in each for each in self._networks)


def origin_of(scope: Scope) -> Origin:
    """Return where the client of a request has reached the service."""
    origins: Origins = scope[ORIGINS]
    return origins.origin(scope)


def path_of(scope: Scope) -> str:
    """Return the path below which the client of a request has reached the service."""
    origins: Origins = scope[ORIGINS]
    return origins.path(scope)


def _split(url: str) -> Origin:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return Origin(f"{scheme}://{authority}", slash + path)


def _hops(scope: Scope) -> Sequence[_Hop]:
    """Return what the proxies of a request say, the nearest one first."""
    given = {
        name: value
        for name in {field for field, _ in scope["headers"] if _is_of_proxies(field)}
        if (value := header(scope["headers"], name)) is not None
    }
    # NOTE: most proxies write one kind of headers and pass the other kind on as it comes. Where
    #   there are both, one may be the client's own, and which cannot be told.
    if _FORWARDED in given and len(given) > 1:
        return ()
    if _FORWARDED in given:
        return [_forwarded(each) for each in reversed(elements(_text(given[_FORWARDED])))]
    return _older(given)


def _is_of_proxies(name: bytes) -> bool:
    return name == _FORWARDED or name.startswith(_OLDER)


def _forwarded(element: str) -> _Hop:
    """Return what an element of Forwarded says (RFC 7239, section 4)."""
    said = {}
    for parameter in parameters(element):
        name, _, value = parameter.partition("=")
        said[name.strip().lower()] = value.strip().strip('"')
    return _Hop(said.get("for", ""), _scheme(said.get("proto", "")), _authority(said.get("host")))


def _older(given: Mapping[bytes, bytes]) -> Sequence[_Hop]:
    """Return what the lists of X-Forwarded-* say, to which each proxy adds at the end."""
    lists = [
        elements(_text(given.get(_OLDER + name, b"")))[::-1]
        for name in (b"for", b"proto", b"host", b"prefix")
    ]
    hops = []
    for number in range(max(map(len, lists))):
        node, scheme, host, path = (
            values[number] if number < len(values) else "" for values in lists
        )
        hops.append(_Hop(node, _scheme(scheme), _authority(host), _prefix(path)))
    return hops


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _scheme(text: str) -> str:
    return scheme if (scheme := text.lower()) in ("http", "https") else ""


def _authority(text: str | None) -> str:
    return host if text and _HOST.fullmatch(host := text.lower()) else ""


def _prefix(text: str) -> str:
    path = text.rstrip("/")
    return path if is_path(path) else ""


def _host(value: bytes | None) -> str:
    return _authority(_text(value).strip()) if value else ""


def _own_address(scope: Scope) -> str:
    """Return the address that the client has connected to."""
    host, port = scope.get("server") or ("localhost", None)
    name = f"[{host}]" if ":" in host else host
    return name if port is None else f"{name}:{port}"


def _address(node: str) -> IPv4Address | IPv6Address | None:
    """Return the address of a node, or None where it names none."""
    found = _NODE.fullmatch(node)
    try:
        address = ip_address(next(filter(None, found.groups()))) if found else None
    except ValueError:
        return None
    # NOTE: on a socket for both, a client of IPv4 has an address of IPv6.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
