"""Settings: read from the environment once, and checked before anything starts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from microservice_chassis import connection_uri, key_file, web_address
from microservice_chassis.errors import InvalidSetting
from microservice_chassis.schema.member import Member, Rule, Secret, members

S = TypeVar("S", bound="ServerSettings")

CacheType = Literal["simple", "redis", "null"]
LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["text", "json"]
LoggedRequests = Literal["errors", "all", "none"]

DatabaseName = Annotated[
    str,
    Meta(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9_-]+\Z"),
    Rule("the name of a database: up to 63 letters, digits, _ and -"),
]
DataDirectory = Annotated[
    str, Meta(min_length=1), Rule("the directory in which the service's own MongoDB keeps its data")
]

# A name (RFC 1123, 2.1; an underscore is usual in containers), an IPv4 or an IPv6 address.
_HOST = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*", re.ASCII)


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError
    return str(ipaddress.IPv6Address(text)) if ":" in text else text


class ServerSettings(Struct, frozen=True, kw_only=True):
    """What the HTTP server of every service can be told."""

    host: Annotated[
        str, Rule("the address to listen on, like 127.0.0.1, 0.0.0.0, ::1 or ::", _host)
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535), Rule("the port to listen on, 1 to 65535")] = 8080
    web_concurrency: Annotated[
        int, Meta(ge=1, le=512), Rule("the number of worker processes, 1 to 512")
    ] = 7
    log_level: LogLevel = "info"
    log_format: Annotated[
        LogFormat, Rule("text (for people) or json (one object on each line, for machines)")
    ] = "text"

    @property
    def address(self) -> str:
        """HOST and PORT as they stand in a URL (RFC 3986, 3.2.2): IPv6 has brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class ServiceSettings(ServerSettings, frozen=True, kw_only=True):
    """What every service can be told; the variables are the names in capitals.

    A variable with `_FILE` behind its name gives the path of a file that holds the value.
    """

    log_requests: Annotated[
        LoggedRequests,
        Rule("which requests are logged: errors (5xx but 503, and over a second), all or none"),
    ] = "errors"
    mongodb_uri: Annotated[
        str | None,
        Secret,
        Rule(
            "a MongoDB URI, like mongodb://user:password@host:27017/?replicaSet=name, with what is"
            " no letter, digit, -, _, . or ~ in user and password percent-encoded;"
            " without one the service starts a MongoDB of its own",
            connection_uri.mongodb,
        ),
    ] = None
    mongodb_database: DatabaseName
    data_dir: DataDirectory
    embedded_cache_mb: Annotated[
        int,
        Meta(ge=256, le=1_000_000),
        Rule(
            "how much memory the service's own MongoDB takes for its cache, in MiB, 256 to 1000000"
        ),
    ] = 256
    cache_type: Annotated[
        CacheType,
        Rule("simple (in the memory of each worker), redis (shared) or null (no response cache)"),
    ] = "simple"
    cache_redis_url: Annotated[
        str | None,
        Secret,
        Rule(
            "where Redis is, for CACHE_TYPE=redis: redis://:password@host:6379/0, rediss:// for TLS"
            " or unix:///path, with what is no letter, digit, -, _, . or ~ in the password"
            " percent-encoded, and no options but db and with TLS ssl_ca_certs, ssl_certfile,"
            " ssl_keyfile, ssl_cert_reqs and ssl_check_hostname",
            connection_uri.redis,
        ),
    ] = None
    cache_timeout: Annotated[
        int,
        Meta(ge=1, le=86_400),
        Rule("for how many seconds the response cache keeps an answer, 1 to 86400"),
    ] = 60
    api_keys_file: Annotated[
        str | None,
        Rule(
            "the path of a file of API keys, as ./invoke key writes it; with it whoever has no key"
            " is refused",
            key_file.checked_path,
        ),
    ] = None
    cors_allow_origins: Annotated[
        str | None,
        Rule(
            "origins whose scripts may use the service, like https://example.org, separated by"
            " commas; or * for all",
            web_address.cors_origins,
        ),
    ] = None
    public_url: Annotated[
        str | None,
        Secret,
        Rule(
            "the URL below which clients find the service, like https://example.org/eventpost:"
            " http or https, a host, and perhaps a port and a path",
            web_address.public_url,
        ),
    ] = None
    trusted_proxies: Annotated[
        str | None,
        Rule(
            "addresses and networks of proxies whose Forwarded and X-Forwarded-* count, like"
            " 127.0.0.1, 10.0.0.0/8 or fd00::/8, separated by commas",
            web_address.networks,
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.cache_type == "redis" and self.cache_redis_url is None:
            raise InvalidSetting("CACHE_REDIS_URL must be set where CACHE_TYPE is redis")

    @property
    def redis_url(self) -> str | None:
        """The Redis that the response cache uses, or None where it uses none."""
        return self.cache_redis_url if self.cache_type == "redis" else None


def read_settings(kind: type[S], environment: Mapping[str, str]) -> S:
    """Return the settings that an environment describes.

    Raises:
        InvalidSetting: the first one that cannot be used; the message never has a password.
    """
    values = {}
    for member in members(kind):
        variable = member.name.upper()
        value = _value(variable, environment)
        if value is None:
            continue
        try:
            values[member.name] = _parse(member, value)
        except ValueError:
            shown = variable if member.secret else f"{variable}={value!r}"
            raise InvalidSetting(
                f"{shown} cannot be used: it must be {member.rule.must_be}"
            ) from None
    return msgspec.convert(values, kind)


def settings_or_exit(kind: type[S], environment: Mapping[str, str]) -> S:
    """Return the settings; where one cannot be used, end the process with a line that says why."""
    try:
        return read_settings(kind, environment)
    except InvalidSetting as error:
        raise SystemExit(f"EventPost cannot start: {error}") from None


def _parse(member: Member, value: str) -> Any:
    """Return a setting's value in its type; raise ValueError where it breaks the rule."""
    # NOTE: msgspec would read 1e3 and 80.0 as whole numbers, too.
    if int in member.types and not (value.isascii() and value.isdigit()):
        raise ValueError
    return member.parse(value, strict=False)


def _value(variable: str, environment: Mapping[str, str]) -> str | None:
    path = environment.get(f"{variable}_FILE")
    if path is None:
        return environment.get(variable)
    if variable in environment:
        raise InvalidSetting(f"{variable} and {variable}_FILE are both set: set only one of them")
    try:
        return Path(path).read_text().rstrip("\n")
    except OSError as error:
        raise InvalidSetting(f"{variable}_FILE={path!r} cannot be read: {error.strerror}") from None
    except ValueError:
        raise InvalidSetting(f"{variable}_FILE={path!r} cannot be read: it is no text") from None
