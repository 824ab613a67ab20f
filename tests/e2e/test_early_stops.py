"""A service that is told to stop while it starts ends cleanly, whenever that is."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.e2e.early_stops import AS_FIRST, PROJECT, EarlyStop, Ended
from tests.process_tree import DEADLINE_S, wait_for
from tests.services import free_port

MOMENTS_S = [0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9, 1.2]
SIDE_BY_SIDE = 5


TERM, INT, HUP = signal.SIGTERM, signal.SIGINT, signal.SIGHUP


@pytest.mark.parametrize(
    ("signals", "prefix", "settings"),
    [
        ((TERM,), (), {}),
        ((TERM,), (), {"MONGODB_URI": "mongodb://127.0.0.1:1"}),
        ((TERM,), AS_FIRST, {}),
        ((INT,), (), {}),
        ((TERM, TERM), (), {}),
        ((HUP, HUP, TERM), AS_FIRST, {}),
    ],
)
def test_a_signal_at_any_moment_of_the_start_ends_it_cleanly(
    tmp_path: Path,
    signals: tuple[signal.Signals, ...],
    prefix: tuple[str, ...],
    settings: dict[str, str],
) -> None:
    def stop(moment_s: float) -> Ended:
        early = EarlyStop(tmp_path / str(moment_s), prefix, WEB_CONCURRENCY="2", **settings)
        early.wait_until_handled()
        time.sleep(moment_s)
        for signum in signals:
            early.send(signum)
        return early.wait()

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for ended in pool.map(stop, MOMENTS_S):
            assert (ended.status, ended.left) == (0, []), ended.log
            assert "Traceback" not in ended.log


def ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/ready", timeout=5).ok
    except requests.RequestException:
        return False


# NOTE: many short sleeps, since Python does not notice a signal that comes between its last look
#   for one and the system call.
BLOCKED = """
import sys, time
sys.stderr.write("importing")
sys.stderr.flush()
for _ in range(6000):
    time.sleep(0.01)
"""


@pytest.mark.parametrize("prefix", [(), AS_FIRST], ids=["", "as process 1"])
@pytest.mark.parametrize("signum", [TERM, INT])
def test_the_imports_of_a_service_can_be_interrupted(
    tmp_path: Path, prefix: tuple[str, ...], signum: signal.Signals
) -> None:
    (tmp_path / "msgspec.py").write_text(BLOCKED)
    early = EarlyStop(tmp_path / "service", prefix, PYTHONPATH=str(tmp_path))
    wait_for(lambda: early.log == "importing")
    early.send(HUP)
    early.send(signum)
    assert early.wait() == Ended(0, "importing", [])


def test_sighup_does_a_start_no_harm(tmp_path: Path) -> None:
    early = EarlyStop(tmp_path / "service", WEB_CONCURRENCY="2")
    early.wait_until_handled()

    def hung_up_through_the_start() -> bool:
        early.send(HUP)
        return "Listening at" in early.log

    wait_for(hung_up_through_the_start)
    wait_for(lambda: ready(early.url))
    early.send(TERM)
    assert early.wait()[::2] == (0, [])


FORKING = """
import os, signal
from pathlib import Path

exec(Path("gunicorn.conf.py").read_text())
forked = post_fork

def post_fork(server, worker):
    if worker.age == 1:
        os.kill(os.getpid(), signal.SIGTERM)
    forked(server, worker)
"""


def test_a_worker_does_not_miss_a_signal_that_comes_right_behind_its_fork(tmp_path: Path) -> None:
    (tmp_path / "forking.py").write_text(FORKING)
    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-w", "1", "-b", f"127.0.0.1:{free_port()}"]
            + ["-c", str(tmp_path / "forking.py"), "tests.performance.do_nothing"],
            cwd=PROJECT,
            stderr=output,
        ) as gunicorn,
    ):
        try:
            wait_for(
                lambda: bool(re.search(r"Worker \(pid:\d+\) was sent SIGTERM", log.read_text()))
            )
        finally:
            gunicorn.terminate()
        assert gunicorn.wait(DEADLINE_S) == 0
