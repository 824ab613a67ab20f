"""The file of API keys: what an operator may write, and what a mistake is told as."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from microservice_chassis.errors import InvalidSetting
from microservice_chassis.key_file import KeyEntry, digest, new_key, read_key_file

HASH = f"sha256:{'0a' * 32}"
OTHER = f"sha256:{'0b' * 32}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_line_is_a_key_and_comments_and_empty_lines_are_none(path: Path) -> None:
    path.write_text(f"# who\n\n  web\twrite  {HASH}  # the site\ncalendars read {OTHER}")
    assert read_key_file(str(path)) == [
        KeyEntry("web", "write", b"\x0a" * 32),
        KeyEntry("calendars", "read", b"\x0b" * 32),
    ]


def test_what_is_written_is_what_is_read(path: Path) -> None:
    entry = KeyEntry("a.b_c@d-e", "read", digest(b"a key"))
    path.write_text(f"{entry.line}\n")
    assert read_key_file(str(path)) == [entry]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("web write", "it must be NAME read|write sha256:HASH, as ./invoke key writes it"),
        (f"web admin {HASH}", "it must be NAME read|write"),
        (f"web write {HASH[:-1]}", "it must be NAME read|write"),
        (f"web write {HASH.upper()}", "it must be NAME read|write"),
        (f"web write md5:{'0a' * 16}", "it must be NAME read|write"),
        (f"the web write {HASH}", "it must be NAME read|write"),
        (f"wéb write {HASH}", "it must be NAME read|write"),
        (f"{'x' * 65} write {HASH}", "it must be NAME read|write"),
        (f"first write {HASH}", "its name is that of line 1"),
        (f"web write {OTHER}", "its key is that of line 1"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(path: Path, line: str, said: str) -> None:
    path.write_text(f"first read {OTHER}\n{line}\n")
    with pytest.raises(InvalidSetting) as caught:
        read_key_file(str(path))
    assert str(caught.value).startswith(
        f"line 2 of API_KEYS_FILE={str(path)!r} cannot be used: {said}"
    )
    assert "0a0a" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n# nobody\n"])
def test_a_file_without_a_key_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(InvalidSetting, match=r"has no key: \./invoke key makes one$"):
        read_key_file(str(path))


def test_a_file_that_cannot_be_read_is_named(path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"keys' cannot be read: No such file or directory$"):
        read_key_file(str(path))
    path.write_bytes(b"\xff")
    with pytest.raises(InvalidSetting, match=r"keys' cannot be read: it is no text$"):
        read_key_file(str(path))


def test_keys_are_random_and_their_hash_is_what_other_programs_make_of_them() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    key = keys.pop()
    assert key.startswith("eventpost_")
    assert len(key) == len("eventpost_") + 43  # 256 bits in base64url
    assert digest(key.encode()).hex() == sha256(key.encode()).hexdigest()
