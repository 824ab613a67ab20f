"""What a service refuses to start with: one line that says why, before anything is started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.process_tree import DEADLINE_S
from tests.services import Service, free_port

PROJECT = Path(__file__).parents[2]
LAUNCHER = ("events_microservice",)
GUNICORN = ("gunicorn", "events_microservice.app")

# What may hold a password, and must not be shown; tests/unit/test_connection_uri.py has the others.
SECRETS = [
    {"MONGODB_URI": "null"},
    {"MONGODB_URI": "mongodb://user:s3cret/x@127.0.0.1"},
    {"MONGODB_URI": "mongodb://user:s3cret@127.0.0.1/?foo=1"},
    {"MONGODB_URI": "mongodb://user:s3cret@127.0.0.1/?tls=perhaps"},
    {"CACHE_REDIS_URL": "redis://:s3cret#x@127.0.0.1"},
    {"CACHE_REDIS_URL": "redis://:s3cret@127.0.0.1?foo=1"},
]
OTHERS = [
    ({"CACHE_TYPE": "redis"}, "CACHE_REDIS_URL must be set where CACHE_TYPE is redis"),
    ({"PORT": "1e3"}, "PORT='1e3' cannot be used: it must be the port"),
    ({"CACHE_TIMEOUT": " 5"}, "CACHE_TIMEOUT=' 5' cannot be used: it must be for how many"),
    ({"HOST": "a..b"}, "HOST='a..b' cannot be used: it must be the address"),
    ({"PUBLIC_URL": "example.org"}, "PUBLIC_URL cannot be used: it must be the URL below which"),
    ({"CORS_ALLOW_ORIGINS": "example.org"}, "CORS_ALLOW_ORIGINS='example.org' cannot be used"),
    ({"TRUSTED_PROXIES": "proxy"}, "TRUSTED_PROXIES='proxy' cannot be used: it must be addresses"),
    ({"API_KEYS_FILE": "/a/b"}, "API_KEYS_FILE='/a/b' cannot be read: No such file or directory"),
]


def refusal(
    module: tuple[str, ...], data_dir: Path, settings: dict[str, str], prefix: tuple[str, ...] = ()
) -> str:
    """The line with which a module refuses to start; `prefix` is a command that starts it.

    It leaves nothing among the temporary files.
    """
    with TemporaryDirectory() as temporary:
        environment = {
            "PORT": str(free_port()),
            "DATA_DIR": str(data_dir),
            "TMPDIR": temporary,
        }
        ended = subprocess.run(
            [*prefix, sys.executable, "-m", *module],
            env={**os.environ, **environment, **settings},
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert list(Path(temporary).iterdir()) == []
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    (line,) = ended.stderr.splitlines()
    return line


@pytest.mark.parametrize("module", [LAUNCHER, GUNICORN], ids=" ".join)
def test_a_uri_that_cannot_be_used_is_refused_without_its_password(
    tmp_path: Path, module: tuple[str, ...]
) -> None:
    for settings in SECRETS:
        (variable,) = settings
        line = refusal(module, tmp_path / "data", {"MONGODB_URI": "mongodb://a", **settings})
        assert line.startswith(f"EventPost cannot start: {variable} cannot be used: it must be ")
        assert "s3cret" not in line
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("module", [LAUNCHER, GUNICORN], ids=" ".join)
def test_a_setting_that_cannot_be_used_is_refused(tmp_path: Path, module: tuple[str, ...]) -> None:
    for settings, said in OTHERS:
        line = refusal(module, tmp_path / "data", settings)
        assert line.startswith(f"EventPost cannot start: {said}")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("module", [LAUNCHER, GUNICORN], ids=" ".join)
def test_a_file_of_keys_that_is_malformed_is_refused_with_its_line(
    tmp_path: Path, module: tuple[str, ...]
) -> None:
    path = tmp_path / "keys"
    path.write_text("# keys\n\nwebsite write\n")
    line = refusal(module, tmp_path / "data", {"API_KEYS_FILE": str(path)})
    assert line.startswith(
        f"EventPost cannot start: line 3 of API_KEYS_FILE={str(path)!r} cannot be used:"
    )
    assert not (tmp_path / "data").exists()


def test_a_number_of_workers_that_is_none_is_refused(tmp_path: Path) -> None:
    # NOTE: Gunicorn reads this variable by itself, before it reads anything of the project.
    line = refusal(LAUNCHER, tmp_path, {"WEB_CONCURRENCY": "0x7"})
    assert "WEB_CONCURRENCY='0x7' cannot be used: it must be the number of worker" in line


def test_gunicorn_without_a_mongodb_uri_says_so(tmp_path: Path) -> None:
    assert "MONGODB_URI must be set" in refusal(GUNICORN, tmp_path, {})


@pytest.mark.parametrize("host", ["127.0.0.1", "::"])
def test_a_port_in_use_is_refused(events: Service, tmp_path: Path, host: str) -> None:
    port = events.url.rpartition(":")[2]
    line = refusal(LAUNCHER, tmp_path, {"HOST": host, "PORT": port})
    assert f"HOST={host} PORT={port} cannot be listened on: Address already in use" in line


def test_a_data_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    directory = tmp_path / "file" / "data"
    line = refusal(LAUNCHER, directory, {})
    assert f"DATA_DIR='{directory}' cannot be used: Not a directory" in line


def test_a_mongodb_that_cannot_run_is_refused(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "mongod"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho libcurl.so.4 is missing >&2\nexit 127\n")
    fake.chmod(0o755)
    path = f"{fake.parent}:{os.environ['PATH']}"
    said = refusal(LAUNCHER, tmp_path / "data", {"PATH": path})
    assert "libcurl.so.4 is missing" in said
    assert "MONGODB_URI" in said


# Its argument is how large the disk is; it is gone with the last process that sees it.
ON_A_DISK = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
MOUNT = 'mount -t tmpfs -o size=$0 tmpfs "$DATA_DIR" && exec "$@"'


@pytest.mark.parametrize("size", ["4k", "64k"])  # of which the log of mongod alone takes 4 and 8
def test_a_full_disk_is_refused_in_words(tmp_path: Path, size: str) -> None:
    line = refusal(LAUNCHER, tmp_path, {}, (*ON_A_DISK, MOUNT, size))
    assert line.startswith(
        f"EventPost cannot start: the disk of DATA_DIR='{tmp_path}' is full (0 MiB are free):"
    )
