"""What the documentation lists exists, and what exists is listed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from events_microservice.settings import Settings as EventsSettings
from microservice_chassis.schema import Schema
from notifications_microservice.settings import Settings as NotificationsSettings

PROJECT = Path(__file__).parents[2]
PAGES = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *(PROJECT / "docs").glob("*.md")]
INDEX = (PROJECT / "docs" / "index.md").read_text()


def section(title: str) -> str:
    return re.split(r"^## ", INDEX.partition(f"\n## {title}\n")[2], maxsplit=1, flags=re.M)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_the_table_of_settings_is_what_the_services_read() -> None:
    listed = {variable.strip("`"): rest for variable, *rest in rows(section("Settings"))}
    events, notifications = Schema(EventsSettings), Schema(NotificationsSettings)
    members = events.writable | notifications.writable
    assert set(listed) == {name.upper() for name in members}
    for variable, (default, what) in listed.items():
        name = variable.lower()
        defaults = [
            f"`{schema.defaults[name]}`"
            for schema in (events, notifications)
            if schema.defaults.get(name) is not None
        ]
        assert default == " or ".join(dict.fromkeys(defaults))
        assert what.removeprefix("events only: ") == members[name].rule.must_be


def test_the_table_of_tasks_is_what_invoke_lists() -> None:
    listed = {cells[0].strip("`").removeprefix("./invoke ") for cells in rows(section("Task tool"))}
    command = [sys.executable, "-m", "invoke", "--list", "--list-format", "json"]
    said = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    names = re.findall(r'"name": "([^"]+)"', said)
    assert listed == set(names) - {"tasks"}


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
