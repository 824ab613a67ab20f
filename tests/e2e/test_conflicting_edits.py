"""Two clients that change one resource, each only if it is as it has seen it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.services import Service

pytestmark = pytest.mark.load

CLIENTS = 2
EDITS = 500


def count_up(url: str) -> tuple[int, int]:
    """Add one to a number, EDITS times; return how often that was refused, and how often lost."""
    refused = lost = made = 0
    with requests.Session() as session:
        while made < EDITS:
            seen = session.get(url, timeout=10)
            number = int(seen.json()["place"]) + 1
            answer = session.patch(
                url,
                json={"place": str(number)},
                headers={"If-Match": seen.headers["ETag"]},
                timeout=10,
            )
            if answer.status_code == 412:
                refused += 1
                continue
            assert answer.status_code == 200, answer.text
            lost += answer.json()["place"] != str(number)
            made += 1
    return refused, lost


def test_of_a_thousand_conflicting_edits_none_is_lost(events: Service) -> None:
    created = requests.post(events.collection, json={**events.example, "place": "0"}, timeout=10)
    url = f"{events.collection}/{created.json()['id']}"
    with ThreadPoolExecutor(CLIENTS) as clients:
        results = list(clients.map(count_up, [url] * CLIENTS))
    assert requests.get(url, timeout=10).json()["place"] == str(CLIENTS * EDITS)
    assert sum(lost for _, lost in results) == 0
    # They did meet.
    assert sum(refused for refused, _ in results) > 0
