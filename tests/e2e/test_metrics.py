"""The metrics of running services: the sum of what all workers have counted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import requests

from tests.e2e.connections import say
from tests.process_tree import DEADLINE_S, gone, tree, wait_for
from tests.scraped import Sample, parse, scrape, total, value
from tests.services import Service, free_port, service

PROJECT = Path(__file__).parents[2]
REQUESTS = "eventpost_http_requests_total"
DURATION = "eventpost_http_request_duration_seconds"
OPERATIONS = "eventpost_mongodb_operations_total"


def counted(target: Service, name: str, at_least: float, **labels: str) -> dict[Sample, float]:
    """What the service tells as soon as a sum has reached a number; a worker hands over in time."""
    samples: dict[Sample, float] = {}

    def reached() -> bool:
        nonlocal samples
        samples = scrape(target)
        return total(samples, name, **labels) >= at_least

    wait_for(reached)
    return samples


def ask_each_worker(url: str) -> Counter[int]:
    """Ask over many connections at once, which come to several workers; count the statuses."""
    sessions = [requests.Session() for _ in range(20)]
    statuses = Counter(session.get(url, timeout=5).status_code for session in sessions * 5)
    for session in sessions:
        session.close()
    return statuses


def test_requests_of_all_workers_are_counted_by_route_method_and_status(either: Service) -> None:
    name = either.collection.rpartition("/")[2]
    route = f"/{name}/{{id}}"
    before = scrape(either)
    statuses = ask_each_worker(f"{either.collection}/nothing")
    assert statuses == {404: 100}
    labels = {"route": route, "method": "GET", "status": "404"}
    first = value(before, REQUESTS, **labels)
    samples = counted(either, REQUESTS, first + 100, **labels)
    assert value(samples, REQUESTS, **labels) == first + 100


def test_the_histogram_counts_each_request_once(events: Service) -> None:
    counted(events, REQUESTS, 1, route="/health/ready")
    samples = scrape(events)
    for route in ("/events", "/events/{id}", "/health/ready"):
        in_all = total(samples, REQUESTS, route=route, method="GET")
        assert value(samples, f"{DURATION}_count", route=route, method="GET") == in_all
        assert value(samples, f"{DURATION}_bucket", route=route, method="GET", le="+Inf") == in_all


def test_hits_and_misses_of_the_cache_are_counted(events: Service) -> None:
    created = requests.post(events.collection, json=events.example, timeout=5)
    url = f"{events.url}{created.headers['Location']}"
    before = scrape(events)
    seen = Counter(requests.get(url, timeout=5).headers["Cache-Status"] for _ in range(30))
    hits = value(before, "eventpost_cache_requests_total", result="hit")
    samples = counted(
        events,
        "eventpost_cache_requests_total",
        hits + seen["eventpost; hit"],
        result="hit",
    )
    assert seen["eventpost; hit"] > 0
    misses = value(samples, "eventpost_cache_requests_total", result="miss")
    assert misses >= value(before, "eventpost_cache_requests_total", result="miss") + 1
    wait_for(lambda: value(scrape(events), "eventpost_cache_usable") == 1)


def test_what_the_server_refuses_is_counted_and_so_is_what_mongodb_does(events: Service) -> None:
    before = scrape(events)
    say(events, b"GARBAGE\r\n\r\n", 100)
    refused = value(before, "eventpost_http_requests_refused_total", status="400")
    counted(events, "eventpost_http_requests_refused_total", refused + 1, status="400")
    requests.post(events.collection, json=events.example, timeout=5).raise_for_status()
    for kind in ("read", "write"):
        counted(events, OPERATIONS, 1, kind=kind, outcome="answered")


def test_an_unknown_path_and_a_rare_method_are_no_labels_of_their_own(events: Service) -> None:
    for number in range(3):
        requests.request("PROPFIND", f"{events.url}/nothing/{number}", timeout=5)
    samples = counted(events, REQUESTS, 3, route="unknown", method="other")
    routes = {dict(labels).get("route") for _, labels in samples}
    assert not [route for route in routes if route and "nothing" in route]


def test_the_page_is_as_any_other_resource_and_never_cached(either: Service) -> None:
    url = f"{either.url}/metrics"
    answer = requests.get(url, timeout=5)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "X-Request-ID" in answer.headers
    head = requests.head(url, timeout=5)
    assert (head.status_code, head.content) == (200, b"")
    options = requests.options(url, timeout=5)
    assert (options.status_code, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
    assert requests.post(url, timeout=5).status_code == 405


def test_open_metrics_is_answered_to_who_asks_for_it(events: Service) -> None:
    # As Prometheus 2.42 does.
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    answer = requests.get(f"{events.url}/metrics", headers={"Accept": accept}, timeout=5)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


def test_the_service_and_its_version_are_told(either: Service) -> None:
    name = either.collection.rpartition("/")[2]
    assert total(scrape(either), "eventpost_build_info", service=name) == 1


def test_nothing_that_was_handed_over_is_lost_when_workers_end(tmp_path: Path) -> None:
    target = service("events", tmp_path, WEB_CONCURRENCY="2")
    with target.process:
        target.process.wait_until_ready()
        ask_each_worker(target.collection)
        counted(target, REQUESTS, 100, route="/events")
        killed = tree(target)["worker"]
        for worker in killed:
            worker.kill()
        wait_for(lambda: gone(killed) and len(tree(target)["worker"]) == 2)
        target.process.wait_until_ready()
        assert total(scrape(target), REQUESTS, route="/events") == 100
        # Those that end by themselves hand over what they have counted to the last.
        ended = tree(target)["worker"]
        ask_each_worker(target.collection)
        assert target.process.process
        target.process.process.send_signal(signal.SIGHUP)
        wait_for(lambda: gone(ended) and len(tree(target)["worker"]) == 2)
        target.process.wait_until_ready()
        assert total(scrape(target), REQUESTS, route="/events") == 200
        # No more files than there were workers at once, and none of the state of the dead.
        files = {path.name for path in (tmp_path / "run" / "metrics").iterdir()}
        assert len([name for name in files if name.startswith("counter")]) <= 4
        assert len([name for name in files if name.startswith("gauge_livesum")]) == 2
    assert not (tmp_path / "run").exists()


def test_gunicorn_without_a_launcher_counts_in_a_directory_that_it_removes(
    events: Service, tmp_path: Path
) -> None:
    port = free_port()
    socket_path = _socket(events)
    environment = {
        **os.environ,
        "MONGODB_URI": f"mongodb://{socket_path.replace('/', '%2F')}",
        "MONGODB_DATABASE": "ByHand",
        "DATA_DIR": str(tmp_path / "data"),
        "TMPDIR": str(tmp_path),
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "events_microservice.app"],
        cwd=PROJECT,
        env=environment,
        stderr=subprocess.DEVNULL,
    ) as gunicorn:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(lambda: _answers(f"{url}/events"))
            text = requests.get(f"{url}/metrics", timeout=5).text
            assert total(parse(text), "eventpost_build_info") == 1
            assert len(list(tmp_path.glob("eventpost-metrics-*"))) == 1
        finally:
            gunicorn.terminate()
        assert gunicorn.wait(DEADLINE_S) == 0
    assert list(tmp_path.glob("eventpost-metrics-*")) == []


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def _socket(target: Service) -> str:
    """Where the MongoDB of a service listens."""
    (mongod,) = tree(target)["mongod"]
    command = psutil.Process(mongod.pid).cmdline()
    return command[command.index("--bind_ip") + 1]
