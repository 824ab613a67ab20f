"""API keys: a layer that lets nobody pass who may not, checked in memory (RFC 6750).

A key is a bearer token, or the password of HTTP Basic (RFC 7617) for programs that know no other
way, with any user name. It is known by its hash alone; see `key_file`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Awaitable, Collection
from functools import lru_cache
from hmac import compare_digest
from typing import NamedTuple

from microservice_chassis.edge.asgi import Application, Receive, Scope, Send
from microservice_chassis.edge.problem_answer import answer_problem
from microservice_chassis.edge.routes import ROUTE
from microservice_chassis.key_file import KeyEntry, digest, read_key_file

# Where others find the name of the key of a request, in its scope; no key, no such item.
KEY = "eventpost.key"

_READING = frozenset(("GET", "HEAD", "OPTIONS"))
_PUBLIC = frozenset(("GET", "HEAD"))

# RFC 6750, section 2.1.
_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")

# What is longer has none of our keys, but perhaps for the name of a user; it is not worth memory.
_REMEMBERED_LENGTH = 256

_NO_STORE = (b"cache-control", b"no-store")

_HOW = (
    "it is sent as Authorization: Bearer KEY, or as the password of HTTP Basic with any user name"
)


class Refusal(NamedTuple):
    """Why a request may not pass: the problem, and the error that RFC 6750, section 3.1, names."""

    status: int
    detail: str
    error: bytes = b""


_MISSING = Refusal(401, f"This needs an API key; {_HOW}.")
_UNKNOWN = Refusal(401, f"The API key is none of this service; {_HOW}.", b'error="invalid_token"')
_MALFORMED = Refusal(
    400, f"Authorization must have one API key; {_HOW}.", b'error="invalid_request"'
)
_READS_ONLY = Refusal(
    403,
    "The API key may only read; a change needs one with the right to write.",
    b'error="insufficient_scope", scope="write"',
)


class Keys:
    """The keys in a file, as it was when it was last read."""

    def __init__(self, path: str) -> None:
        """Read the file; see `read`."""
        self._path = path
        # NOTE: to hash a key for each request would cost more than all else here. What is looked
        #   up is found by a random hash of the whole header, so it takes no longer for one that is
        #   nearly right.
        self._remembered = lru_cache(maxsize=256)(self._identify)
        self.read()

    def read(self) -> None:
        """Read the file, again.

        Raises:
            InvalidSetting: it cannot be used; the keys stay as they were. One line says why.
        """
        self._by_digest = {entry.digest: entry for entry in read_key_file(self._path)}
        self._remembered.cache_clear()

    def __len__(self) -> int:
        return len(self._by_digest)

    def identify(self, authorization: bytes) -> KeyEntry | Refusal:
        """Return what is known of the key in an Authorization, or why it has none that counts."""
        if len(authorization) <= _REMEMBERED_LENGTH:
            return self._remembered(authorization)
        return self._identify(authorization)

    def _identify(self, authorization: bytes) -> KeyEntry | Refusal:
        scheme, _, credentials = authorization.partition(b" ")
        credentials = credentials.strip(b" ")
        match scheme.lower():
            case b"bearer":
                key = credentials if _TOKEN.fullmatch(credentials) else None
            case b"basic":
                key = _password(credentials)
            case _:
                return _MISSING
        return _MALFORMED if key is None else self._find(key) or _UNKNOWN

    def _find(self, key: bytes) -> KeyEntry | None:
        """Return what is known of a key, or None of one that is none.

        It takes the same time for all: what is looked up and compared is a hash, whose likeness to
        that of a key says nothing about the key.
        """
        given = digest(key)
        entry = self._by_digest.get(given)
        return entry if entry is not None and compare_digest(entry.digest, given) else None


class KeyLayer:
    """An ASGI application that lets those pass to another one who may do what they ask for."""

    def __init__(
        self, app: Application, keys: Keys, opened: Collection[str], public: Collection[str]
    ) -> None:
        """`opened` are the templates that need no key, `public` those of which reads need none."""
        self._app = app
        self._keys = keys
        self._opened = frozenset(opened)
        self._public = frozenset(public)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a request for which a key is missing; leave others to the application.

        What does not exist needs a key, too.
        """
        # NOTE: no coroutine of its own, which would cost each request another one.
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        template, method = scope[ROUTE].template, scope["method"]
        if template in self._opened or (method in _PUBLIC and template in self._public):
            return self._app(scope, receive, send)
        refusal = self._refusal(scope, method)
        if refusal is not None:
            return _refuse(refusal, scope, send)
        return self._app(scope, receive, send)

    def _refusal(self, scope: Scope, method: str) -> Refusal | None:
        """Return why a request may not pass, or None where it may; its key is noted then."""
        given = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                if given is not None:
                    return _MALFORMED
                given = value
        if given is None:
            return _MISSING
        entry = self._keys.identify(given)
        if isinstance(entry, Refusal):
            return entry
        if entry.right == "read" and method not in _READING:
            return _READS_ONLY
        scope[KEY] = entry.name
        return None


def _password(credentials: bytes) -> bytes | None:
    """Return the password of HTTP Basic (RFC 7617, section 2), or None where it is malformed."""
    try:
        _, colon, password = b64decode(credentials, validate=True).partition(b":")
    except ValueError:
        return None
    return password if colon else None


def _refuse(refusal: Refusal, scope: Scope, send: Send) -> Awaitable[None]:
    error = b", " + refusal.error if refusal.error else b""
    return answer_problem(
        scope,
        send,
        refusal.status,
        refusal.detail,
        (b"www-authenticate", b'Bearer realm="EventPost"' + error),
        (b"www-authenticate", b'Basic realm="EventPost", charset="UTF-8"'),
        _NO_STORE,
    )
