"""The dashboard and the alert rules ask for metrics that exist, and alerts are raised in time."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest
import requests
import yaml

from tests.e2e.connections import say
from tests.process_tree import wait_for
from tests.scraped import scrape, total
from tests.services import Service

MONITORING = Path(__file__).parents[2] / "docs" / "monitoring"
PAGE = MONITORING.with_suffix(".md")
DELIVERY_PAGE = MONITORING.with_name("delivery.md")
RULES = MONITORING / "alerts.yml"
RAISED = Path(__file__).with_name("alert_rules.yml")

# What Prometheus itself adds to each sample.
_TARGET = {"job", "instance"}

# What is there once there is something to count; a scrape may come in the middle of that.
_BY_LABEL = (
    "eventpost_http_requests_refused_total",
    "eventpost_http_requests_total",
    "eventpost_http_request_duration_seconds_count",
    "eventpost_mongodb_operation_duration_seconds_count",
)


def alerts() -> list[dict[str, str]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    rules: list[dict[str, str]] = group["rules"]
    return rules


def expressions() -> list[str]:
    """What the dashboard and the rules ask Prometheus."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    targets = [target for panel in dashboard["panels"] for target in panel["targets"]]
    asked = [target["expr"] for target in targets] + [rule["expr"] for rule in alerts()]
    return [each.replace("$__rate_interval", "5m") for each in asked]


def counted(service: Service, name: str) -> bool:
    return total(scrape(service), name) > 0


def known(service: Service) -> dict[str, set[str]]:
    """The labels of each metric that a service has, once it has refused a request."""
    requests.get(service.collection, timeout=5).raise_for_status()
    say(service, b"GARBAGE\r\n\r\n", 100)
    for name in _BY_LABEL:
        wait_for(partial(counted, service, name))
    labels: dict[str, set[str]] = defaultdict(set)
    for name, given in scrape(service):
        labels[name] |= {label for label, _ in given}
    return labels


@pytest.fixture
def labels(events: Service, notifications: Service) -> dict[str, set[str]]:
    """The labels of each metric that there is; of those that both services have, they are equal."""
    of_events, of_notifications = known(events), known(notifications)
    assert of_events.items() <= of_notifications.items()
    return {"up": set(), **of_notifications}


def test_what_is_asked_for_exists(labels: dict[str, set[str]]) -> None:
    every_label = set[str]().union(_TARGET, *labels.values())
    named = set()
    for expression in expressions():
        for name, selector in re.findall(r"\b(eventpost_\w+|up)\b(?:\{([^}]*)\})?", expression):
            named.add(name)
            assert name in labels, expression
            selected = set(re.findall(r"(\w+)(?:=~|!=|=)", selector))
            assert selected <= labels[name] | _TARGET, expression
        for grouped in re.findall(r"\b(?:by|without|on|ignoring) \(([^)]*)\)", expression):
            assert set(grouped.split(", ")) <= every_label, expression
    # And nothing that exists is forgotten.
    shown = {name for name in labels if not name.endswith(("_count", "_sum"))}
    assert shown == named


def test_the_pages_list_every_metric_and_every_alert(
    events: Service, notifications: Service
) -> None:
    text = PAGE.read_text()
    of_events, of_notifications = families(known(events)), families(known(notifications))
    assert listed(text) == of_events
    assert listed(DELIVERY_PAGE.read_text()) == of_notifications - of_events
    named = re.findall(r"^\| `(EventPost\w+)`", text, flags=re.M)
    assert named == [rule["alert"] for rule in alerts()]


def families(names: Iterable[str]) -> set[str]:
    return {re.sub("_(bucket|count|sum)$", "", name) for name in names}


def listed(text: str) -> set[str]:
    """The metrics that a page has a row for."""
    rows = re.findall(r"^\| (`eventpost_\w+`[^|]*) \|", text, flags=re.M)
    return {name for row in rows for name in re.findall(r"eventpost_\w+", row)}


@pytest.fixture
def promtool() -> str:
    """The program that checks rules; only where a developer works it may be missing."""
    found = shutil.which("promtool")
    if found is None:
        reason = "needs promtool, of Debian's package prometheus"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def succeeds(*command: str | Path) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_prometheus_can_read_the_rules_and_what_the_dashboard_asks(
    promtool: str, tmp_path: Path
) -> None:
    asked = [
        {"record": f"asked:{number}", "expr": re.sub(r"\$\w+", ".*", each)}
        for number, each in enumerate(expressions())
    ]
    groups = {"groups": [{"name": "dashboard", "rules": asked}]}
    (tmp_path / "dashboard.yml").write_text(yaml.safe_dump(groups))
    succeeds(promtool, "check", "rules", RULES, tmp_path / "dashboard.yml")


def test_prometheus_takes_the_configuration_of_the_page_with_a_key_and_without(
    promtool: str, tmp_path: Path
) -> None:
    found = re.search(r"```yaml\n(# prometheus.yml\n.*?)```", PAGE.read_text(), flags=re.S)
    authorization = re.search(r"`(authorization: .*?)`", PAGE.read_text())
    assert found
    assert authorization
    (tmp_path / "docs").symlink_to(MONITORING.parent)
    key = tmp_path / "key"
    key.touch()
    with_key = yaml.safe_load(found[1])
    for job in with_key["scrape_configs"]:
        job.update(yaml.safe_load(authorization[1]))
        job["authorization"]["credentials_file"] = str(key)
    for name, text in (("without.yml", found[1]), ("with.yml", yaml.safe_dump(with_key))):
        (tmp_path / name).write_text(text)
        succeeds(promtool, "check", "config", tmp_path / name)


def test_each_alert_is_raised_by_what_it_is_for_and_quiet_before(promtool: str) -> None:
    tests = yaml.safe_load(RAISED.read_text())["tests"]
    looked_at = [each for test in tests for each in test["alert_rule_test"]]
    raised = {each["alertname"] for each in looked_at if each.get("exp_alerts")}
    quiet = {each["alertname"] for each in looked_at if not each.get("exp_alerts")}
    assert raised == quiet == {rule["alert"] for rule in alerts()}
    succeeds(promtool, "test", "rules", RAISED)
