"""When requests are traced: as OpenTelemetry's own variables say, and not by itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from microservice_chassis.errors import InvalidSetting
from microservice_chassis.tracing import request_tracing

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "true"},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_an_endpoint_or_where_it_is_off_nothing_is_traced(
    environment: dict[str, str],
) -> None:
    assert request_tracing("events", environment) is None


@pytest.mark.parametrize("variable", ["", "_TRACES"])
def test_with_an_endpoint_requests_are_traced(variable: str) -> None:
    name = f"OTEL_EXPORTER_OTLP{variable}_ENDPOINT"
    assert request_tracing("events", {name: "http://127.0.0.1:4318/v1/traces"})


def test_a_protocol_that_it_does_not_speak_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="PROTOCOL='grpc' cannot be used: it must be http/pro"):
        request_tracing("events", {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_where_the_packages_are_missing_a_line_names_them() -> None:
    # An interpreter without the packages of this environment but the project's needs.
    program = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from microservice_chassis.tracing import request_tracing\n"
        f"request_tracing('events', {ENDPOINT})"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "install the packages of requirements/telemetry.txt" in ended.stderr.splitlines()[-1]


def test_without_an_endpoint_nothing_that_records_or_sends_is_imported() -> None:
    program = (
        "import sys\n"
        "import events_microservice.app, microservice_chassis.tracing\n"
        # NOTE: redis looks for what measures, where that is installed.
        "parts = ('opentelemetry.sdk.trace', 'opentelemetry.exporter')\n"
        "print([name for name in sys.modules if name.startswith(parts)])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"
