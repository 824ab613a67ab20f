"""python -m development.key: make an API key, and print it, once.

The file gets a line with its hash; services that were started with it in API_KEYS_FILE go by it
from their next start, or SIGHUP, on.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from pathlib import Path

from development import command_line
from microservice_chassis.errors import InvalidSetting
from microservice_chassis.key_file import (
    NAME_MUST_BE,
    KeyEntry,
    digest,
    is_name,
    new_key,
    parse_key_file,
)

_DEFAULT = ".eventpost/keys"
_HEAD = "# name  right  hash of the key; ./invoke key adds a line, SIGHUP has it read again\n"


def add_key(path: Path, name: str, right: str) -> str:
    """Add a key to a file, which is made where there is none, and return it.

    Raises:
        InvalidSetting: the file is malformed, or has a key of that name.
        OSError: it cannot be read or written.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else _HEAD
    entries = list(parse_key_file(str(path), text))
    if any(entry.name == name for entry in entries):
        raise InvalidSetting(f"{str(path)!r} has a key of the name {name} already")
    key = new_key()
    entry = KeyEntry(name, "write" if right == "write" else "read", digest(key.encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    # NOTE: a last line that somebody has left without its end would swallow the next one.
    end = "" if text.endswith("\n") or not text else "\n"
    head = "" if path.exists() else text
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{head}{end}{entry.line}\n")
    return key


def _name(text: str) -> str:
    if not is_name(text):
        raise ArgumentTypeError(f"{text!r} is no name of a key: it must be {NAME_MUST_BE}")
    return text


def main() -> None:
    """Do it, and say what comes next."""
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("--name", required=True, type=_name, help="whose it is")
    parser.add_argument("--right", required=True, choices=("read", "write"))
    parser.add_argument("--file", default=os.environ.get("API_KEYS_FILE", _DEFAULT))
    arguments = parser.parse_args()
    path = Path(arguments.file)
    try:
        key = add_key(path, arguments.name, arguments.right)
    except InvalidSetting as failure:
        raise SystemExit(f"no key was made: {failure}") from None
    except (OSError, UnicodeDecodeError) as failure:
        reason = getattr(failure, "strerror", None) or "it is no text"
        raise SystemExit(f"no key was made: {str(path)!r} cannot be used: {reason}") from None
    print(key)
    sys.stderr.write(
        f"This is the only time that the key of {arguments.name} is shown; {path} has its hash.\n"
        f"API_KEYS_FILE={path.resolve()} has a service ask for it; a running one reads the file"
        " again on SIGHUP.\n"
    )


if __name__ == "__main__":
    command_line.run(main)
