"""The route of the metrics, in a worker that is alone and in a service with metrics of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from microservice_chassis.application import create_application, create_parts
from microservice_chassis.process.embedded_mongodb import EmbeddedMongoDB
from microservice_chassis.process.run_directory import METRICS_VARIABLE
from microservice_chassis.storage.client import connect
from tests.bookmarks.app import Settings
from tests.bookmarks.bookmark import BookmarkDator
from tests.bookmarks.resources import BookmarkResource, BookmarksResource
from tests.integration.asgi import AsgiClient
from tests.integration.http.served import Served, problem


async def test_a_worker_that_counts_by_itself_says_so(either: Served) -> None:
    answer = await either.worker.request("GET", "/metrics")
    assert "PROMETHEUS_MULTIPROC_DIR" in problem(answer, 503)["detail"]


async def due() -> Iterable[Metric]:
    return [GaugeMetricFamily("bookmarks_due", "What is due.", 7)]


async def test_a_service_can_have_metrics_of_its_own(
    mongodb: EmbeddedMongoDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(METRICS_VARIABLE, str(tmp_path))
    settings = Settings(mongodb_database=f"test-{uuid4()}")
    async with connect(mongodb.uri) as client:
        parts = create_parts(settings, BookmarkDator, client=client)
        app = create_application(parts, BookmarksResource, BookmarkResource, collectors=[due])
        async with AsgiClient(app) as worker:
            answer = await worker.request("GET", "/metrics")
    assert (answer.status, answer.headers["vary"]) == (200, "Accept")
    assert b"bookmarks_due 7.0" in answer.body
