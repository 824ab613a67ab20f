"""./invoke key: a key is shown once, and its file has what a service needs of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from microservice_chassis.key_file import KeyEntry, digest, read_key_file

PROJECT = Path(__file__).parents[3]


def make(path: Path, *arguments: str, task: bool = False) -> subprocess.CompletedProcess[str]:
    module = ("development.task_tool", "key") if task else ("development.key",)
    return subprocess.run(
        [sys.executable, "-m", *module, *arguments, f"--file={path}"],
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if name != "API_KEYS_FILE"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_key_is_printed_alone_and_the_file_has_its_hash_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys"
    made = [
        make(path, "--name=website", "--right=write", task=True),
        make(path, "--name=calendar", "--right=read"),
    ]
    keys = [each.stdout.strip() for each in made]
    assert [each.returncode for each in made] == [0, 0]
    assert all("only time" in each.stderr and "SIGHUP" in each.stderr for each in made)
    assert read_key_file(str(path)) == [
        KeyEntry("website", "write", digest(keys[0].encode())),
        KeyEntry("calendar", "read", digest(keys[1].encode())),
    ]
    assert not any(key in path.read_text() for key in keys)


def test_what_somebody_has_written_by_hand_stays(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    by_hand = f"# mine\nmine read sha256:{'0a' * 32}  # no newline behind"
    path.write_text(by_hand)
    assert make(path, "--name=other", "--right=read").returncode == 0
    assert path.read_text().startswith(f"{by_hand}\nother read sha256:")


@pytest.mark.parametrize(
    ("text", "arguments", "status", "said"),
    [
        ("", ("--name=a b", "--right=read"), 2, "'a b' is no name of a key: it must be up to 64"),
        ("", ("--name=a", "--right=admin"), 2, "invalid choice: 'admin'"),
        ("", ("--right=read",), 2, "the following arguments are required: --name"),
        ("# a\nb\n", ("--name=a", "--right=read"), 1, "line 2 of API_KEYS_FILE="),
        (
            f"a read sha256:{'0a' * 32}\n",
            ("--name=a", "--right=read"),
            1,
            "has a key of the name a already",
        ),
        ("\udcff", ("--name=a", "--right=read"), 1, "cannot be used: it is no text"),
    ],
)
def test_what_cannot_be_made_ends_with_one_line_and_changes_nothing(
    tmp_path: Path, text: str, arguments: tuple[str, ...], status: int, said: str
) -> None:
    path = tmp_path / "keys"
    path.write_text(text, errors="surrogateescape")
    before = path.read_bytes()
    ended = make(path, *arguments)
    assert (ended.returncode, ended.stdout) == (status, "")
    (line,) = ended.stderr.splitlines()
    assert said in line
    assert path.read_bytes() == before


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = make(tmp_path / "file" / "keys", "--name=a", "--right=read")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.endswith("cannot be used: File exists")
