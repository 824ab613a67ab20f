"""The directory in which workers count: whose files are whose, and where it is."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.multiprocess import MultiProcessCollector

from microservice_chassis.process.metrics_directory import MetricsDirectory, metrics_directory
from microservice_chassis.process.run_directory import METRICS_VARIABLE


def test_a_worker_has_the_least_number_that_is_free(tmp_path: Path) -> None:
    directory = MetricsDirectory(tmp_path, made=False)
    assert [directory.take() for _ in range(3)] == [0, 1, 2]
    directory.give_back(1)
    assert [directory.take() for _ in range(2)] == [1, 3]


def test_what_a_worker_has_counted_stays_and_its_state_goes(tmp_path: Path) -> None:
    directory = MetricsDirectory(tmp_path, made=False)
    number = directory.take()
    before = {path.name for path in tmp_path.iterdir()}
    directory.give_back(number)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"counter_0.db", "histogram_0.db"}
    directory.take()
    assert {path.name for path in tmp_path.iterdir()} == before


def test_its_files_are_on_the_disk_before_anything_is_written_to_them(tmp_path: Path) -> None:
    MetricsDirectory(tmp_path, made=False).take()
    for path in tmp_path.iterdir():
        stat = path.stat()
        assert stat.st_blocks * 512 >= stat.st_size >= 64 * 1024


def test_the_files_can_be_added_up_while_workers_come_and_go(tmp_path: Path) -> None:
    directory = MetricsDirectory(tmp_path, made=False)
    collector = MultiProcessCollector(None, str(tmp_path))  # type: ignore[no-untyped-call]

    def come_and_go() -> None:
        for _ in range(500):
            directory.give_back(directory.take())

    with ThreadPoolExecutor() as pool:
        coming = pool.submit(come_and_go)
        while not coming.done():
            assert list(collector.collect()) == []  # type: ignore[no-untyped-call]
        coming.result()


# Its argument is how large the disk is.
ON_A_DISK = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
MOUNT = 'mount -t tmpfs -o size=$0 tmpfs "$DIRECTORY" && exec "$@"'
PROGRAM = """
import os, pathlib
from microservice_chassis.process.metrics_directory import MetricsDirectory
directory = MetricsDirectory(pathlib.Path(os.environ["DIRECTORY"]), made=False)
number = directory.take()
directory.use(number)
directory.give_back(number)
print(number)
"""


def test_a_worker_without_room_on_the_disk_is_not_in_the_metrics_and_lives(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*ON_A_DISK, MOUNT, "256k", sys.executable, "-c", PROGRAM],
        env={**os.environ, "DIRECTORY": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "None\n"), ended.stderr
    assert "a worker is not in the metrics" in ended.stderr
    assert "No space left on device" in ended.stderr


def test_without_a_launcher_one_is_made_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    environment: dict[str, str] = {}
    directory = metrics_directory(environment)
    assert directory
    assert [str(each) for each in tmp_path.iterdir()] == [environment[METRICS_VARIABLE]]
    # As Gunicorn's configuration is read again at SIGHUP.
    assert metrics_directory(environment) is directory
    directory.remove()
    assert list(tmp_path.iterdir()) == []


def test_where_none_can_be_made_a_line_says_that_there_are_no_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with caplog.at_level(logging.WARNING):
        assert metrics_directory({}) is None
    assert "there are no metrics, for want of a directory" in caplog.text


def test_one_that_is_named_stays(tmp_path: Path) -> None:
    directory = metrics_directory({METRICS_VARIABLE: str(tmp_path)})
    assert directory
    directory.remove()
    assert tmp_path.exists()


@pytest.mark.parametrize("name", ["", "nowhere", "file"])
def test_one_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    path = str(tmp_path / name) if name else ""
    with pytest.raises(SystemExit, match=METRICS_VARIABLE) as end:
        metrics_directory({METRICS_VARIABLE: path})
    assert "it must be a directory that can be written" in str(end.value)
