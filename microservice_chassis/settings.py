"""Settings: read from the environment once, and checked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from microservice_chassis.errors import InvalidSetting
from microservice_chassis.schema.member import Rule, members

S = TypeVar("S", bound="ServerSettings")

CacheType = Literal["simple", "redis", "null"]
LogLevel = Literal["debug", "info", "warning", "error"]

DatabaseName = Annotated[
    str,
    Meta(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9_-]+\Z"),
    Rule("the name of a database: up to 63 letters, digits, _ and -"),
]
DataDirectory = Annotated[
    str, Meta(min_length=1), Rule("the directory in which the service's own MongoDB keeps its data")
]


class ServerSettings(Struct, frozen=True, kw_only=True):
    """What the HTTP server of every service can be told."""

    host: Annotated[str, Meta(min_length=1), Rule("the address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535), Rule("the port to listen on, 1 to 65535")] = 8080
    web_concurrency: Annotated[
        int, Meta(ge=1, le=512), Rule("the number of worker processes, 1 to 512")
    ] = 7
    log_level: LogLevel = "info"


class ServiceSettings(ServerSettings, frozen=True, kw_only=True):
    """What every service can be told; the variables are the names in capitals.

    A variable with `_FILE` behind its name gives the path of a file that holds the value.
    """

    mongodb_uri: Annotated[
        str | None, Rule("a MongoDB URI; without one the service starts a MongoDB of its own")
    ] = None
    mongodb_database: DatabaseName
    data_dir: DataDirectory
    cache_type: Annotated[
        CacheType,
        Rule("simple (in the memory of each worker), redis (shared) or null (no response cache)"),
    ] = "simple"
    cache_redis_url: Annotated[
        str | None, Rule("where Redis is, like redis://:password@host:6379/0, for CACHE_TYPE=redis")
    ] = None
    cache_timeout: Annotated[
        int,
        Meta(ge=1, le=86_400),
        Rule("for how many seconds the response cache keeps an answer, 1 to 86400"),
    ] = 60


def read_settings(kind: type[S], environment: Mapping[str, str]) -> S:
    """Return the settings that an environment describes.

    Raises:
        InvalidSetting: the first one that cannot be used.
    """
    values = {}
    for member in members(kind):
        variable = member.name.upper()
        value = _value(variable, environment)
        if value is None:
            continue
        try:
            values[member.name] = member.parse(value, strict=False)
        except ValueError:
            raise InvalidSetting(
                f"{variable}={value!r} cannot be used: it must be {member.rule.must_be}"
            ) from None
    return msgspec.convert(values, kind)


def settings_or_exit(kind: type[S], environment: Mapping[str, str]) -> S:
    """Return the settings; where one cannot be used, end the process with a line that says why."""
    try:
        return read_settings(kind, environment)
    except InvalidSetting as error:
        raise SystemExit(f"EventPost cannot start: {error}") from None


def _value(variable: str, environment: Mapping[str, str]) -> str | None:
    path = environment.get(f"{variable}_FILE")
    if path is None:
        return environment.get(variable)
    if variable in environment:
        raise InvalidSetting(f"{variable} and {variable}_FILE are both set: set only one of them")
    try:
        return Path(path).read_text().rstrip("\n")
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"{variable}_FILE={path!r} cannot be read: {error}") from None
