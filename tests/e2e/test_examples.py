"""The examples in the documentation work as they are pasted."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.services import Service

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text()

SECTIONS = ["Creating once", "Several at once"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("section", SECTIONS)
def test_each_request_is_answered_with_the_status_that_stands_above_it(
    events: Service, section: str
) -> None:
    text = re.split(r"^## ", API.partition(f"\n## {section}\n")[2], maxsplit=1, flags=re.M)[0]
    (script,) = re.findall(r"^```sh\n(.*?)^```", text, flags=re.M | re.S)
    comments = re.findall(r"^# .*", script, flags=re.M)
    said = subprocess.run(
        ["sh", "-e", "-c", script.replace("http://127.0.0.1:8000", events.url)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    statuses = re.findall(r"HTTP/1\.1 (\d{3})", said)  # no line ends in front of the next one
    assert statuses == re.findall(r"\b[2-5]\d\d\b", " ".join(comments))
