"""A whole service whose Redis is killed and comes back."""

from __future__ import annotations

from pathlib import Path

import requests

from tests.process_tree import wait_for
from tests.redis_server import RedisServer
from tests.scraped import scrape, value
from tests.services import Service, free_port, service

HIT = "eventpost; hit"
BYPASS = "eventpost; fwd=bypass"


def cache_status(url: str) -> str:
    """Read over a new connection, which comes to any worker."""
    return requests.get(url, timeout=5).headers["Cache-Status"]


def rename(url: str, target: Service, title: str) -> None:
    requests.patch(url, json={target.text: title}, timeout=5).raise_for_status()
    assert requests.get(url, timeout=5).json()[target.text] == title


def test_a_lost_redis_is_one_warning_and_no_wrong_answer(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output, RedisServer(free_port(), tmp_path) as redis:
        settings = {"CACHE_TYPE": "redis", "CACHE_REDIS_URL": redis.url}
        target = service("events", tmp_path / "data", output, **settings)
        with target.process:
            target.process.wait_until_ready()
            created = requests.post(target.collection, json=target.example, timeout=5)
            url = f"{target.url}{created.headers['Location']}"
            wait_for(lambda: cache_status(url) == HIT)
            wait_for(lambda: value(scrape(target), "eventpost_cache_usable") == 1)
            redis.kill()
            for number in range(40):
                rename(url, target, f"Without {number}")
                assert cache_status(url) == BYPASS
                assert requests.get(f"{target.url}/health/ready", timeout=5).status_code == 200
            wait_for(lambda: value(scrape(target), "eventpost_cache_usable") == 0)
            redis.start()
            wait_for(lambda: cache_status(url) == HIT)
            for number in range(40):
                rename(url, target, f"With {number}")
            wait_for(lambda: value(scrape(target), "eventpost_cache_usable") == 1)
    said = log.read_text()
    assert said.count("the response cache is off") == 1
    assert said.count("the response cache is back") == 1
