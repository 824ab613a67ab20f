"""What the documentation lists exists, and what exists is listed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.version import Version

from events_microservice.settings import Settings as EventsSettings
from microservice_chassis import __version__
from microservice_chassis.schema.schema import Schema
from notifications_microservice.settings import Settings as NotificationsSettings

PROJECT = Path(__file__).parents[3]
PAGES = [*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")]
INDEX = (PROJECT / "docs" / "index.md").read_text()


def section(title: str) -> str:
    return re.split(r"^## ", INDEX.partition(f"\n## {title}\n")[2], maxsplit=1, flags=re.M)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def as_written(value: object) -> str:
    """A value as an environment has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_table_of_settings_is_what_the_services_read() -> None:
    listed = {variable.strip("`"): rest for variable, *rest in rows(section("Settings"))}
    events, notifications = Schema(EventsSettings), Schema(NotificationsSettings)
    members = events.writable | notifications.writable
    assert set(listed) == {name.upper() for name in members}
    for variable, (default, what) in listed.items():
        name = variable.lower()
        defaults = [
            f"`{as_written(schema.defaults[name])}`"
            for schema in (events, notifications)
            if schema.defaults.get(name) is not None
        ]
        assert default == " or ".join(dict.fromkeys(defaults))
        assert re.sub("^(events|notifications) only: ", "", what) == members[name].rule.must_be


def test_the_table_of_tasks_is_what_invoke_lists() -> None:
    listed = {cells[0].strip("`").removeprefix("./invoke ") for cells in rows(section("Task tool"))}
    command = [sys.executable, "-m", "invoke", "--list", "--list-format", "json"]
    said = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    names = re.findall(r'"name": "([^"]+)"', said)
    assert listed == set(names) - {"tasks"}


def test_the_table_of_places_names_what_exists() -> None:
    listed = [place for cells in rows(section("Architecture")) for place in cells[0].split(", ")]
    places = [place.strip("`") for place in listed if "/" in place or "." in place]
    assert {"microservice_chassis/", "tests/", "gunicorn.conf.py"} <= set(places)
    assert [place for place in places if not (PROJECT / place).exists()] == []


def test_the_version_is_that_of_the_newest_release_or_of_what_comes_after_it() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    titles = re.findall(r"^## (.+)$", (PROJECT / "CHANGELOG.md").read_text(), flags=re.M)
    releases = [Version(title.split(" - ")[0]) for title in titles if title != "Unreleased"]
    assert releases == sorted(releases, reverse=True)
    assert project["version"] == __version__
    version = Version(project["version"])
    assert version > releases[0] if version.is_devrelease else version == releases[0]


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.M)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if not link.startswith("http"):
            path, _, anchor = link.partition("#")
            target = (page.parent / path) if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link
