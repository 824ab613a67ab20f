"""The file of API keys: who has one, and what each of them may do.

A line for each key, `#` begins a comment, and empty lines are for whoever reads it:

    # name      right   hash of the key
    newsletter  read    sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    website     write   sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11f752

It holds no key, so whoever reads it gets nothing; whoever writes to it lets in whom they like.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from microservice_chassis.errors import InvalidSetting

Right = Literal["read", "write"]

# What a key begins with, by which programs that look for lost secrets recognize it.
PREFIX = "eventpost_"

# As many as a hash has.
_KEY_BYTES = 32

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")

NAME_MUST_BE = "up to 64 letters, digits, ., _, @ and -"
_LINE_MUST_BE = "NAME read|write sha256:HASH, as ./invoke key writes it"


class KeyEntry(NamedTuple):
    """One key as the file knows it; the right to write includes the one to read."""

    name: str
    right: Right
    digest: bytes

    @property
    def line(self) -> str:
        """The line of the file, without its end."""
        return f"{self.name} {self.right} sha256:{self.digest.hex()}"


def new_key() -> str:
    """Return a key that nobody has: 256 random bits, in characters of a bearer token (RFC 6750)."""
    return PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def digest(key: bytes) -> bytes:
    """Return the hash of a key."""
    # NOTE: one that is slow on purpose protects what people make up. 256 random bits cannot be
    #   guessed however quickly they are hashed, and each request would have to wait for it.
    return sha256(key).digest()


def is_name(text: str) -> bool:
    """Whether a key can have this name."""
    return _NAME.fullmatch(text) is not None


def read_key_file(path: str) -> list[KeyEntry]:
    """Return the keys in a file, in its order.

    Raises:
        InvalidSetting: it cannot be read, is malformed, or has no key; the message is one line that
            names the file, and the line of it.
    """
    entries = list(parse_key_file(path, _text(path)))
    if not entries:
        raise InvalidSetting(f"{_named(path)} has no key: ./invoke key makes one")
    return entries


def checked_path(path: str) -> str:
    """Return the path of a file of keys that can be used; raise as `read_key_file` does."""
    read_key_file(path)
    return path


def parse_key_file(path: str, text: str) -> Iterator[KeyEntry]:
    """Yield the keys in the text of a file, whose path is for the message; as `read_key_file`."""
    seen: dict[str | bytes, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        entry = _entry(words)
        if entry is None:
            raise InvalidSetting(
                f"line {number} of {_named(path)} cannot be used: it must be {_LINE_MUST_BE}"
            )
        for what, value in (("name", entry.name), ("key", entry.digest)):
            if value in seen:
                raise InvalidSetting(
                    f"line {number} of {_named(path)} cannot be used:"
                    f" its {what} is that of line {seen[value]}"
                )
            seen[value] = number
        yield entry


def _entry(words: list[str]) -> KeyEntry | None:
    """Return the key that the words of a line describe, or None where they describe none."""
    match words:
        case [name, ("read" | "write") as right, hash_]:
            found = _HASH.fullmatch(hash_)
            if found and is_name(name):
                return KeyEntry(name, right, bytes.fromhex(found[1]))
    return None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidSetting(f"{_named(path)} cannot be read: {error.strerror}") from None
    except ValueError:
        raise InvalidSetting(f"{_named(path)} cannot be read: it is no text") from None


def _named(path: str) -> str:
    return f"API_KEYS_FILE={path!r}"
