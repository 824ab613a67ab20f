"""Migrations behind a running service, through kills: a small run of `tests.e2e.migration`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.migration import database, fill, migrate_under_load
from tests.process_tree import DEADLINE_S, wait_for
from tests.services import service

PROJECT = Path(__file__).parents[2]


@pytest.mark.load
def test_documents_are_migrated_while_clients_work_and_everything_is_killed(
    tmp_path: Path,
) -> None:
    said = migrate_under_load(tmp_path, count=10_000, kills=2)
    assert said.startswith("10000 documents")


def test_a_database_that_is_too_new_is_refused_with_a_line(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with (
        (tmp_path / "earlier").open("wb") as log,
        service("events", data_dir, log).process as target,
    ):
        target.wait_until_ready()
        with database(data_dir) as collection:
            records = collection.database["Deployment"]
            newer = {"$set": {"form": 99}}
            wait_for(lambda: records.update_one({"_id": "Events"}, newer).matched_count == 1)
    with (tmp_path / "log").open("wb") as log:
        refused = service("events", data_dir, log).process
        refused.start()
        assert refused.process
        assert refused.process.wait(DEADLINE_S) == 1
    said = (tmp_path / "log").read_text()
    assert said.count("the documents of Events have form 99") == 1
    assert "Traceback" not in said


def run_migrate(data_dir: Path, *options: str) -> str:
    environment = {**os.environ, "DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "development.migrate", *options]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_a_dry_run_counts_and_names_and_a_run_migrates_beside_the_service_or_without_it(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / "data"
    with (tmp_path / "log").open("wb") as log:
        target = service("events", data_dir, log)
        with target.process:
            target.process.wait_until_ready()
            documents = fill(data_dir, 300)
        odd = [each.identifier for each in documents if not each.answers]
        said = run_migrate(data_dir, "--dry-run")
        match = re.search(r"events: (\d+) documents .*, (\d+) cannot be read", said)
        assert match
        assert int(match[2]) == len(odd)
        assert all(identifier in said for identifier in sorted(odd)[:20])
        assert run_migrate(data_dir, "--dry-run") == said  # it has changed nothing
        with target.process:
            target.process.wait_until_ready()
            assert f"events: 0 documents of an earlier form, {len(odd)}" in run_migrate(data_dir)
        assert f"events: 0 documents of an earlier form, {len(odd)}" in run_migrate(data_dir)


def test_without_a_mongodb_one_line_says_why(tmp_path: Path) -> None:
    environment = {**os.environ, "MONGODB_URI": f"mongodb://{'%2F'.join(('', 'no', 'where'))}.sock"}
    ended = subprocess.run(
        [sys.executable, "-m", "development.migrate", "--dry-run"],
        cwd=PROJECT,
        env={**environment, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("nothing can be migrated: ")
    assert "Traceback" not in ended.stderr
