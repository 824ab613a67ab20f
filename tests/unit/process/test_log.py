"""The log as JSON: one object on each line, whatever is said."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from typing import Any

import pytest

from microservice_chassis.process.log import JsonFormatter, last_line_in


def written(message: str, *arguments: object, **others: Any) -> dict[str, Any]:
    """What a line says; it must be one line."""
    logger = logging.getLogger("a.room")
    record = logger.makeRecord("a.room", logging.WARNING, "f.py", 1, message, arguments, **others)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    members: dict[str, Any] = json.loads(line)
    return members


def test_a_line_has_the_time_in_utc_the_level_and_who_says_what() -> None:
    members = written("%d of %d", 1, 2, exc_info=None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", members.pop("time"))
    assert members.pop("process") > 0
    assert members == {"level": "warning", "logger": "a.room", "message": "1 of 2"}


def test_fields_are_members_of_their_own() -> None:
    members = written("a", exc_info=None, extra={"fields": {"status": 500, "route": None}})
    assert (members["status"], members["route"]) == (500, None)


def test_a_traceback_is_a_member() -> None:
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        members = written("a", exc_info=sys.exc_info())
    assert members["exception"].startswith("Traceback (most recent call last):\n")
    assert members["exception"].endswith("ZeroDivisionError")


@pytest.mark.parametrize("text", ["two\nlines", 'a "quote"', "\u2028", "\ud800", "\x00"])
def test_whatever_is_said_is_one_line_that_can_be_read(text: str) -> None:
    assert written("%s", text, exc_info=None)["message"] in (text, "\\ud800")


def test_the_last_line_of_a_process_is_one_of_its_log() -> None:
    program = (
        "from microservice_chassis.process.log import *\n"
        "configure_log('info', 'json')\n"
        "with last_line_in('json'):\n"
        "    raise SystemExit('EventPost stopped: because')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    said = json.loads(ended.stderr)
    assert (said["level"], said["message"]) == ("critical", "EventPost stopped: because")


@pytest.mark.parametrize(("format_", "code"), [("text", "a line"), ("json", 0), ("json", None)])
def test_any_other_end_stays_as_it_is(format_: str, code: str | int | None) -> None:
    with pytest.raises(SystemExit) as end, last_line_in(format_):
        raise SystemExit(code)
    assert end.value.code == code
