"""The URIs under which a service finds its servers, checked before anything connects.

Each function returns its text as it is, and raises ValueError where it is not such a URI.
The clients would ignore a part of what is refused here, and fail with the rest at some request;
what they then say may hold the password.
"""

from __future__ import annotations

import re
import ssl
from urllib.parse import parse_qs

# RFC 3986, 3.2.1: what is reserved there is percent-encoded.
_TEXT = r"(?: [^\s:/?\#\[\]@%] | %[0-9A-Fa-f]{2} )+"
_PORT = r"(?: 6553[0-5] | 655[0-2]\d | 65[0-4]\d{2} | 6[0-4]\d{3} | [1-5]\d{4} | [1-9]\d{0,3} )"
_NAME = r"(?: [A-Za-z0-9._-]+ | \[ [0-9A-Fa-f:.]+ \] )"
_HOST = rf"{_NAME} (?: :{_PORT} )?"
_SOCKET = r"%2[Ff] [^\s/?\#\[\]@:,]+ \.sock"

_OPTION = r"[A-Za-z]+=[^\s?\#@&]+"
_MONGODB_USER = rf"(?: {_TEXT} (?: :{_TEXT} )? @ )?"
_REDIS_USER = rf"(?: (?: {_TEXT} )? (?: :{_TEXT} )? @ )?"
_DB = r"db=\d+"
_TLS = (
    rf"(?: {_DB} | ssl_(?: ca_certs | certfile | keyfile )=[^\s&?\#@]+"
    r" | ssl_cert_reqs=(?: none | optional | required ) | ssl_check_hostname=(?: true | false ) )"
)

# https://www.mongodb.com/docs/manual/reference/connection-string/
_MONGODB = re.compile(
    rf"""
    (?: mongodb:// {_MONGODB_USER} (?: {_SOCKET} | {_HOST} ) (?: , (?: {_SOCKET} | {_HOST} ) )*
    |   mongodb\+srv:// {_MONGODB_USER} {_NAME}
    )
    (?: / (?: [^\s/\\"$?\#.@]+ )? )?
    (?: \? {_OPTION} (?: & {_OPTION} )* )?
    """,
    re.VERBOSE | re.ASCII,
)

# https://www.iana.org/assignments/uri-schemes/prov/redis, and the options of TLS that redis-py has;
# its other ones are the cache's, like the time limits.
_REDIS = re.compile(
    rf"""
    redis://    {_REDIS_USER} {_HOST} (?: / \d* )? (?: \? {_DB} )?
    | rediss:// {_REDIS_USER} {_HOST} (?: / \d* )?
                (?: \? {_TLS} (?: & {_TLS} )* )?
    | unix://   {_REDIS_USER} / [^\s?\#@]+ (?: \? {_DB} )?
    """,
    re.VERBOSE | re.ASCII,
)


# There is no registered scheme; these are what mail programs use. Certificates are always checked,
# and without TLS a password goes to this machine only.
_LOOPBACK = r"(?: localhost | 127(?: \.\d{1,3} ){3} | \[::1\] )"
_SMTP_USER = rf"(?: {_TEXT}:{_TEXT}@ )?"
_CA_FILE = r"cafile=/[^\s&?\#@]+"
_STARTTLS = rf"(?: starttls=required | {_CA_FILE} )"
_SMTP = re.compile(
    rf"""
    smtps:// {_SMTP_USER} {_HOST} /? (?: \? {_CA_FILE} )?
    | smtp:// {_SMTP_USER} {_HOST} /? (?: \? {_STARTTLS} (?: & {_STARTTLS} )? )?
    | smtp:// {_SMTP_USER} {_LOOPBACK} (?: :{_PORT} )? /? \? starttls=none
    | smtp:// {_HOST} /? \? starttls=none
    """,
    re.VERBOSE | re.ASCII,
)


def mongodb(text: str) -> str:
    """Return a MongoDB URI; which options there are is for the driver to know."""
    if not _MONGODB.fullmatch(text):
        raise ValueError
    return text


def redis(text: str) -> str:
    """Return the URL of a Redis: the only options are its database and those of TLS."""
    if not _REDIS.fullmatch(text):
        raise ValueError
    return text


def smtp(text: str) -> str:
    """Return the URL of an SMTP server; files of certificates that it names have to be there."""
    if not _SMTP.fullmatch(text):
        raise ValueError
    for cafile in parse_qs(text.partition("?")[2]).get("cafile", ()):
        try:
            ssl.create_default_context(cafile=cafile)
        except OSError:  # an ssl.SSLError is one, too
            raise ValueError from None
    return text
