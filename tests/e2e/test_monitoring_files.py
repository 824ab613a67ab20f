"""The dashboard and the alert rules ask for metrics that exist, with labels that these have."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import defaultdict
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
RULES = MONITORING / "alerts.yml"

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


def counted(events: Service, name: str) -> bool:
    return total(scrape(events), name) > 0


def known(events: Service) -> dict[str, set[str]]:
    """The labels of each metric that a service has, once it has refused a request."""
    requests.get(events.collection, timeout=5).raise_for_status()
    say(events, b"GARBAGE\r\n\r\n", 100)
    for name in _BY_LABEL:
        wait_for(partial(counted, events, name))
    labels: dict[str, set[str]] = defaultdict(set, up=set())
    for name, given in scrape(events):
        labels[name] |= {label for label, _ in given}
    return labels


def test_what_is_asked_for_exists(events: Service) -> None:
    labels = known(events)
    named = set()
    for expression in expressions():
        for name, selector in re.findall(r"\b(eventpost_\w+|up)\b(?:\{([^}]*)\})?", expression):
            named.add(name)
            assert name in labels, expression
            selected = set(re.findall(r"(\w+)(?:=~|!=|=)", selector))
            assert selected <= labels[name] | _TARGET, expression
    # And nothing that exists is forgotten.
    shown = {name for name in labels if not name.endswith(("_count", "_sum"))}
    assert shown == named


def test_the_page_lists_every_metric_and_every_alert(events: Service) -> None:
    text = PAGE.read_text()
    listed = set(re.findall(r"^\| `(eventpost_\w+)`", text, flags=re.M))
    known_ = {re.sub("_(bucket|count|sum)$", "", name) for name in known(events)} - {"up"}
    assert listed == known_
    named = re.findall(r"^\| `(EventPost\w+)`", text, flags=re.M)
    assert named == [rule["alert"] for rule in alerts()]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on this machine")
def test_prometheus_can_read_the_rules_and_what_the_dashboard_asks(tmp_path: Path) -> None:
    asked = [
        {"record": f"asked:{number}", "expr": re.sub(r"\$\w+", ".*", each)}
        for number, each in enumerate(expressions())
    ]
    groups = {"groups": [{"name": "dashboard", "rules": asked}]}
    (tmp_path / "dashboard.yml").write_text(yaml.safe_dump(groups))
    for path in (RULES, tmp_path / "dashboard.yml"):
        ended = subprocess.run(
            ["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
