"""API keys for tests: a file of them, and the requests that send one."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from microservice_chassis.key_file import KeyEntry, Right, digest

READ, WRITE, OTHER_WRITE = "read-key", "write-key", "other-write-key"
_RIGHTS: dict[str, Right] = {READ: "read", WRITE: "write", OTHER_WRITE: "write"}


def key_file(path: Path) -> str:
    """Write a file that has the keys above, and return its path."""
    entries = [KeyEntry(key, right, digest(key.encode())) for key, right in _RIGHTS.items()]
    path.write_text("".join(f"{entry.line}\n" for entry in entries))
    return str(path)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def basic(key: str, user: str = "anybody") -> dict[str, str]:
    return {"authorization": f"Basic {b64encode(f'{user}:{key}'.encode()).decode()}"}
