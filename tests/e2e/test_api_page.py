"""The API page in a browser."""

from __future__ import annotations

import json
import os

import pytest

from tests.e2e.api_page import PACKAGE, browsing, create_and_read, find_chromium
from tests.services import Service


@pytest.fixture
def chromium() -> str:
    """The browser; only where a developer works it may be missing."""
    found = find_chromium()
    if found is None:
        reason = f"needs Debian's package {PACKAGE}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


async def test_an_event_is_created_and_read_through_the_page(
    chromium: str, events: Service
) -> None:
    async with browsing(chromium, events) as api:
        await api.open()
        created, found = await create_and_read(api)
        assert (created.status, found.status) == (201, 200)
        assert json.loads(found.body) == json.loads(created.body)
        assert {each.startswith(f"{events.url}/") for each in api.requests} == {True}
        assert api.complaints == []
