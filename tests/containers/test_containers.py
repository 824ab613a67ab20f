"""What is promised of the containers, asked of running ones; each test leaves its own running."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from development.containers import Container, image
from tests.services import KINDS

PROJECT = Path(__file__).parents[2]
DEADLINE_S = 60.0
MEGABYTE = 1_000_000

WRITERS = 4
WRITES = 300


def collection(container: Container) -> str:
    return f"{container.url}/{container.service}"


def stored(container: Container) -> list[dict[str, Any]]:
    answer = requests.get(f"{collection(container)}?limit=1000", timeout=10)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found


def python(container: Container, program: str) -> Any:
    """Run a program inside, and return the JSON that it prints."""
    return json.loads(container.execute("python", "-c", f"import json, os\n{program}"))


def test_what_was_seeded_and_changed_is_there_after_a_clean_stop(container: Container) -> None:
    url = collection(container)
    seeded = subprocess.run(
        [sys.executable, "fixtures.py", url, container.service],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    identifiers = seeded.stdout.split()[1::2]
    assert [each["id"] for each in stored(container)] == identifiers
    example, text = KINDS[container.service]
    changed, patched, deleted, *_ = (f"{url}/{identifier}" for identifier in identifiers)
    assert requests.put(changed, json=example, timeout=5).status_code == 200
    assert requests.patch(patched, json={text: "Something new"}, timeout=5).status_code == 200
    assert requests.delete(deleted, timeout=5).status_code == 200
    before = stored(container)
    assert (before[0][text], before[1][text]) == (example[text], "Something new")
    assert len(before) == 4

    assert container.stop() == 0
    container.start()
    container.wait_until_ready()
    assert stored(container) == before


def test_a_kill_loses_no_acknowledged_write(container: Container) -> None:
    example, text = KINDS[container.service]
    acknowledged: list[str] = []
    enough = threading.Event()

    def write() -> None:
        with requests.Session() as session:
            while True:
                try:
                    answer = session.post(collection(container), json=example, timeout=5)
                    answer.raise_for_status()
                except requests.RequestException:
                    break
                acknowledged.append(answer.json()["id"])
                if len(acknowledged) >= WRITES:
                    enough.set()
        enough.set()

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    enough.wait(DEADLINE_S)
    container.kill()
    for writer in writers:
        writer.join()
    container.start()
    container.wait_until_ready()
    assert len(acknowledged) >= WRITES
    with requests.Session() as session:
        found = [session.get(f"{collection(container)}/{each}", timeout=5) for each in acknowledged]
    assert {(answer.status_code, answer.json()[text]) for answer in found} == {(200, example[text])}


def test_it_is_confined(container: Container) -> None:
    """No process is root or holds a capability, and nothing but the volume can be written."""
    status = python(
        container,
        "print(json.dumps([dict(line.split(':', 1) for line in open(f'/proc/{pid}/status'))"
        " for pid in os.listdir('/proc') if pid.isdigit()]))",
    )
    assert len(status) >= 10  # the launcher, mongod, Gunicorn's master and 7 workers
    for process in status:
        assert set(process["Uid"].split()) == {"10001"}
        capabilities = [process[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")]
        assert {int(each, 16) for each in capabilities} == {0}
        assert int(process["NoNewPrivs"]) == 1
    root = python(
        container,
        "print(json.dumps([line.split()[3] for line in open('/proc/mounts')"
        " if line.split()[1] == '/']))",
    )
    assert [options.split(",")[0] for options in root] == ["ro"]
    writable = "print(json.dumps([d for d in ('/data', '/eventpost') if os.access(d, os.W_OK)]))"
    assert python(container, writable) == ["/data"]


def test_seven_workers_serve(container: Container) -> None:
    names = python(
        container,
        "print(json.dumps([open(f'/proc/{pid}/cmdline').read()"
        " for pid in os.listdir('/proc') if pid.isdigit()]))",
    )
    served = [name for name in names if "gunicorn" in name]
    assert len(served) == 1 + 7
    assert len([name for name in names if "mongod\0" in name]) == 1


def test_its_health_is_that_of_its_mongodb(container: Container) -> None:
    def healthy(wanted: bool) -> bool:
        if container.engine == "docker":
            status = container.inspect("{{.State.Health.Status}}")
            return status == ("healthy" if wanted else "unhealthy")
        # Without systemd podman checks only when it is asked to.
        asked = ("podman", "healthcheck", "run", container.name)
        return (subprocess.run(asked, capture_output=True, check=False).returncode == 0) is wanted

    def wait_for_health(wanted: bool) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not healthy(wanted):
            assert time.monotonic() < deadline, f"healthy did not become {wanted}"
            time.sleep(0.2)

    def signal_mongod(name: str) -> None:
        python(
            container,
            "import signal\n"
            "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
            "    if open(f'/proc/{pid}/comm').read() == 'mongod\\n':\n"
            f"        os.kill(int(pid), signal.{name})\n"
            "        print(pid)",
        )

    wait_for_health(True)
    signal_mongod("SIGSTOP")
    try:
        wait_for_health(False)
    finally:
        signal_mongod("SIGCONT")
    wait_for_health(True)


def test_only_this_machine_can_reach_it(container: Container) -> None:
    bindings = json.loads(container.inspect("{{json .NetworkSettings.Ports}}"))
    published = [binding for bound in bindings.values() for binding in bound or ()]
    assert [binding["HostIp"] for binding in published] == ["127.0.0.1"]


def test_its_image_is_small_and_holds_only_what_runs(container: Container) -> None:
    asked = (container.engine, "image", "inspect", "--format", "{{.Size}}")
    size = subprocess.check_output([*asked, image(container.service)], text=True)
    assert int(size) < 450 * MEGABYTE
    inside = python(container, "print(json.dumps(sorted(os.listdir('/eventpost'))))")
    service = f"{container.service}_microservice"
    assert sorted(inside) == sorted([service, "gunicorn.conf.py", "microservice_chassis"])
    installed = python(
        container,
        "from importlib.metadata import distributions\n"
        "print(json.dumps([each.name for each in distributions(path=['/packages/lib/python'"
        " + '%d.%d' % __import__('sys').version_info[:2] + '/site-packages'])]))",
    )
    assert {canonicalize_name(name) for name in installed} == required(container)


def test_it_has_the_api_page_and_of_swagger_ui_nothing_else(container: Container) -> None:
    page = requests.get(f"{container.url}/docs", timeout=5)
    assert page.status_code == 200
    loaded = {urljoin(page.url, link) for link in re.findall(r'(?:src|href)="([^"]+)"', page.text)}
    assert {requests.get(url, timeout=5).status_code for url in loaded} == {200}
    files = python(
        container,
        "import swagger_ui_bundle\n"
        "print(json.dumps(sorted(os.listdir(swagger_ui_bundle.swagger_ui_path))))",
    )
    assert files == sorted(url.rpartition("/")[2] for url in loaded if "swagger-ui-5" in url)


def required(container: Container) -> set[str]:
    """The packages that a service needs with the container's Python."""
    version = python(container, "import platform; print(json.dumps(platform.python_version()))")
    lines = (PROJECT / "requirements/service.txt").read_text().splitlines()
    needed = [Requirement(line) for line in lines if "==" in line]
    return {
        canonicalize_name(each.name)
        for each in needed
        if each.marker is None or each.marker.evaluate({"python_full_version": version})
    }
