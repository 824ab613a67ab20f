"""The file in memory that the processes of a service share: who finds which one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from microservice_chassis.process.shared_file import (
    VARIABLE,
    SharedFile,
    make,
    open_shared_file,
    publish,
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory = tmp_path / "run"
    directory.mkdir()
    return directory


def same(one: int, other: int) -> bool:
    return os.path.samestat(os.fstat(one), os.fstat(other))


def test_what_was_handed_down_is_taken_and_lasts(tmp_path: Path) -> None:
    fd = make(7)
    found = open_shared_file({VARIABLE: str(fd)}, tmp_path, 7)
    assert (found.fd, found.shared, found.lasting, found.renew()) == (fd, True, True, False)
    os.close(fd)


@pytest.mark.parametrize("value", ["", "x", "-1", "99999", "0"])
def test_what_is_no_such_file_is_not_taken(tmp_path: Path, value: str) -> None:
    found = open_shared_file({VARIABLE: value}, tmp_path, 7)
    assert str(Path(f"/proc/self/fd/{found.fd}").readlink()).startswith("/memfd:eventpost")
    assert not found.shared
    os.close(found.fd)


def test_the_launchers_file_is_found_by_the_data_directory(tmp_path: Path, run: Path) -> None:
    fd = make(7)
    publish(fd, run)
    found = open_shared_file({}, tmp_path, 7)
    assert same(found.fd, fd)
    assert (found.shared, found.lasting, found.renew()) == (True, False, False)
    os.close(fd)
    os.close(found.fd)


def test_the_next_launchers_file_is_found_and_without_one_nothing_is_shared(
    tmp_path: Path, run: Path
) -> None:
    first, second = make(7), make(7)
    publish(first, run)
    found = open_shared_file({}, tmp_path, 7)
    (run / "shared").unlink()
    assert (found.renew(), found.shared) == (False, False)
    publish(second, run)
    assert (found.renew(), found.shared) == (True, True)
    assert same(found.fd, second)
    assert not found.renew()
    for fd in (first, second, found.fd):
        os.close(fd)


def test_a_link_that_leads_to_another_programs_file_is_not_followed(
    tmp_path: Path, run: Path
) -> None:
    (tmp_path / "precious").write_bytes(b"data")
    (run / "shared").symlink_to(tmp_path / "precious")
    found = open_shared_file({}, tmp_path, 7)
    assert not same(found.fd, os.open(tmp_path / "precious", os.O_RDONLY))
    assert (found.renew(), found.shared) == (False, False)
    assert (tmp_path / "precious").read_bytes() == b"data"
    os.close(found.fd)


def test_who_was_there_before_the_launcher_joins_it(run: Path) -> None:
    early = SharedFile(make(7), maker=os.getppid(), link=run / "shared")
    assert (early.renew(), early.shared) == (False, True)
    fd = make(7)
    publish(fd, run)
    assert (early.renew(), early.shared) == (True, True)
    assert same(early.fd, fd)
    os.close(fd)
    os.close(early.fd)
