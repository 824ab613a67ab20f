"""fixtures.py: what it creates over HTTP, and how it ends where that cannot be done."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import pytest
import requests

from fixtures import BATCH
from tests.e2e.programs import DEADLINE_S, PROJECT, ended_with_a_line, fixtures
from tests.process_tree import wait_for
from tests.services import Service


def test_five_resources_are_created_and_reported(either: Service) -> None:
    ended = fixtures(either.collection, either.collection.rpartition("/")[2])
    assert ended.returncode == 0, ended.stderr
    identifiers = [line.removeprefix("created ") for line in ended.stdout.splitlines()]
    assert len(identifiers) == 5
    for identifier in identifiers:
        assert requests.get(f"{either.collection}/{identifier}", timeout=5).status_code == 200


def test_many_are_counted_with_a_progress_bar(events: Service) -> None:
    before, many = count(events.collection), 2 * BATCH + 10
    ended = fixtures(events.collection, "events", "--count", str(many), "--seed", "1")
    assert (ended.returncode, ended.stdout) == (0, f"created {many} events\n")
    assert f"{many}/{many}" in ended.stderr
    assert count(events.collection) == before + many


def export(url: str, path: Path, query: str = "") -> list[dict[str, Any]]:
    """Export a selection to a file, and return it."""
    answer = requests.get(f"{url}{query}", headers={"Accept": "application/x-ndjson"}, timeout=30)
    path.write_bytes(answer.content)
    return [json.loads(line) for line in answer.content.splitlines()]


def test_an_export_can_be_loaded(events: Service, tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    name = f"Loaded {uuid4().hex}"
    for number in range(3):
        document = {**events.example, "organizer": name, "title": f"Événement {number}"}
        requests.post(events.collection, json=document, timeout=5)
    before = export(events.collection, path, f"?organizer={name}")
    ended = fixtures(events.collection, "events", "--from", str(path))
    assert (ended.returncode, ended.stdout) == (0, "created 3 events\n")
    after = export(events.collection, path, f"?organizer={name}")
    assert after[:3] == before
    recorded = {"id", "created_at", "updated_at"}
    for loaded, origin in zip(after[3:], before, strict=True):
        assert {name for name in origin if loaded[name] != origin[name]} == recorded


def test_of_notifications_only_what_is_pending_is_loaded(
    notifications: Service, tmp_path: Path
) -> None:
    path = tmp_path / "notifications.ndjson"
    states = ("pending", "sending", "sent", "failed", "missed", "pending")
    lines = [json.dumps({**notifications.example, "status": status}) for status in states]
    path.write_text("".join(f"{line}\n" for line in lines))
    ended = fixtures(notifications.collection, "notifications", "--from", str(path))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        "created 2 notifications",
        "left 4 notifications that are not pending, so that nothing is sent twice",
    ]


def test_an_export_that_was_cut_off_is_refused_where_it_ends(
    events: Service, tmp_path: Path
) -> None:
    path = tmp_path / "events.ndjson"
    whole = json.dumps(events.example)
    for cut in (whole, whole[:-5], "[]\n"):
        path.write_text(f"{whole}\n{cut}")
        ended = fixtures(events.collection, "events", "--from", str(path))
        assert ended.returncode == 1
        assert f"line 2 of {path} is no whole JSON object" in ended.stderr


NOBODY = "http://127.0.0.1:1/events"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the following arguments are required: url, resource"),
        ((NOBODY, "people"), "invalid choice: 'people'"),
        (("127.0.0.1:1/events", "events"), "is not a URL like http://127.0.0.1:8000/events"),
        (("http://a..b", "events"), "'http://a..b' is not a URL like http://127.0.0.1:8000/events"),
        (("http://[::/events", "events"), "is not a URL like"),
        (("http://127.0.0.1:99999/events", "events"), "is not a URL like"),
        (("http://", "events"), "is not a URL like"),
        ((NOBODY, "events", "--count", "0"), "'0' is not a whole number from 1 up"),
        ((NOBODY, "events", "--count", "9" * 5000), "is not a whole number from 1 up"),
        ((NOBODY, "events", "--seed", "x"), "invalid int value: 'x'"),
    ],
)
def test_what_cannot_be_seeded_is_refused_in_one_line(
    arguments: tuple[str, ...], said: str
) -> None:
    assert said in ended_with_a_line(("fixtures.py", *arguments), 2)


def test_where_nobody_can_be_reached_one_line_says_so() -> None:
    assert "cannot be reached: [Errno 111]" in ended_with_a_line(
        ("fixtures.py", NOBODY, "events"), 1
    )


def test_who_interrupts_the_seeding_is_told_how_much_there_is(events: Service) -> None:
    before = count(events.collection)
    with subprocess.Popen(
        [sys.executable, "fixtures.py", events.collection, "events", "--count", "100000"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as seeding:
        # Of the second array there is something only when the first one has been answered.
        wait_for(lambda: count(events.collection) > before + BATCH)
        seeding.send_signal(signal.SIGINT)
        said, log = seeding.communicate(timeout=DEADLINE_S)
    assert (seeding.returncode, said) == (130, "")
    told = re.fullmatch(r"stopped; (\d+) events had been created", log.splitlines()[-1])
    assert told
    # An array may have been under way, all of which is created or nothing.
    wait_for(lambda: count(events.collection) - before - int(told[1]) in (0, BATCH))


def count(collection: str) -> int:
    """How many there are in a collection of up to a few thousand."""
    url, found = f"{collection}?limit=1000", 0
    while url:
        answer = requests.get(url, timeout=5)
        found += len(answer.json())
        url = urljoin(url, answer.links["next"]["url"]) if "next" in answer.links else ""
    return found


def test_a_service_that_refuses_ends_with_one_clear_line(running: dict[str, Service]) -> None:
    url = running["events"].collection
    line = ended_with_a_line(("fixtures.py", url, "notifications"), 1)
    assert "refused a resource with status 422" in line
    line = ended_with_a_line(("fixtures.py", f"{url}/nothing", "events"), 1)
    assert "refused a resource with status 405" in line


class NotEventPost(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(201)
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), NotEventPost) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/events"
        server.shutdown()


def test_a_stranger_at_the_url_ends_with_one_clear_line(stranger: str) -> None:
    line = ended_with_a_line(("fixtures.py", stranger, "events"), 1)
    assert line == f"{stranger} does not answer like EventPost"


class GivesUp(BaseHTTPRequestHandler):
    """Creates one array, and then nothing any more."""

    posts = 0

    def do_POST(self) -> None:
        GivesUp.posts += 1
        self.send_response(201 if GivesUp.posts == 1 else 503)
        self.end_headers()
        self.wfile.write(json.dumps([{"id": "f" * 24}] * BATCH).encode())

    def log_message(self, *_: object) -> None:
        pass


def test_who_is_refused_on_the_way_is_told_how_much_there_is() -> None:
    with HTTPServer(("127.0.0.1", 0), GivesUp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/events"
        ended = fixtures(url, "events", "--count", str(2 * BATCH))
        server.shutdown()
    assert (ended.returncode, ended.stdout) == (1, "")
    line = ended.stderr.splitlines()[-1]
    assert line.startswith(f"{url} refused a resource with status 503")
    assert line.endswith(f"; {BATCH} events had been created")
