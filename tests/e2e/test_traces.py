"""A service that exports a span for each request."""

from __future__ import annotations

import json
from pathlib import Path

import requests

from tests.otlp_sink import OtlpSink, attributes
from tests.services import free_port, service

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SERVER = 2  # SpanKind
ERROR = 2  # StatusCode


def test_each_request_is_a_span_within_the_trace_of_its_client(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with OtlpSink(free_port()) as sink, log.open("wb") as output:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "WEB_CONCURRENCY": "1"}
        settings |= {"LOG_REQUESTS": "all", "LOG_FORMAT": "json", "OTEL_SERVICE_NAME": "mine"}
        target = service("events", tmp_path / "data", output, **settings)
        with target.process:
            target.process.wait_until_ready()
            traced = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "a=b"}
            requests.get(target.collection, headers=traced, timeout=5).raise_for_status()
            unsampled = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
            requests.get(target.collection, headers=unsampled, timeout=5).raise_for_status()
            requests.get(f"{target.collection}/ann@example.com?to=ann@example.com", timeout=5)
    found = {span.name: span for span in sink.spans if "/health" not in span.name}
    assert list(found) == ["GET /events", "GET /events/{id}"]
    span = found["GET /events"]
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.kind) == (TRACE, PARENT, SERVER)
    assert span.trace_state == "a=b"
    assert span.end_time_unix_nano > span.start_time_unix_nano
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/events",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "url.scheme": "http",
        "url.path": "/events",
    }
    other = found["GET /events/{id}"]
    assert "url.path" not in attributes(other)
    assert other.parent_span_id == b""
    assert sink.resources[0]["service.name"] == "mine"
    # The lines have the id of the trace, given or new.
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    ids = [each["trace_id"] for each in lines if each.get("route", "").startswith("/events")]
    assert ids == [TRACE, TRACE, other.trace_id.hex()]


def test_a_collector_that_is_gone_delays_nothing(tmp_path: Path) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    target = service("events", tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, WEB_CONCURRENCY="1")
    with target.process:
        target.process.wait_until_ready()
        assert requests.get(target.collection, timeout=5).status_code == 200
        assert target.process.stop() == 0
