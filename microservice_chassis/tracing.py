"""Traces: a span for each request, exported by OpenTelemetry where its variables say so.

Its packages are in requirements/telemetry.txt, and are imported only where there is an endpoint.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from microservice_chassis import __version__
from microservice_chassis.edge.asgi import Scope
from microservice_chassis.edge.routes import ROUTE
from microservice_chassis.errors import InvalidSetting

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

# OpenTelemetry specification, "OpenTelemetry Protocol Exporter".
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"

# What a worker that ends gives the last spans to leave; it has 4 s in all.
_FLUSH_S = 1.0


def request_tracing(service: str, environment: Mapping[str, str]) -> RequestTracing | None:
    """Return what exports a span for each request, or None where nobody wants any.

    Raises:
        InvalidSetting: it cannot be done as the environment says.
    """
    endpoint = next((name for name in _ENDPOINTS if environment.get(name)), None)
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if endpoint is None or off or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    protocol = next((name for name in _PROTOCOLS if environment.get(name)), None)
    if protocol is not None and environment[protocol] != _PROTOCOL:
        raise InvalidSetting(
            f"{protocol}={environment[protocol]!r} cannot be used: it must be {_PROTOCOL}"
        )
    try:
        # NOTE: now, before the workers are forked, which then share it.
        import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError:
        raise InvalidSetting(
            f"{endpoint} cannot be used: install the packages of requirements/telemetry.txt"
        ) from None
    return RequestTracing(service)


class RequestTracing:
    """The spans of one worker; a work of its background, which sends them.

    Everything else is as OpenTelemetry's variables say: endpoint, headers, sampler, resource.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._provider: TracerProvider | None = None
        self._tracer: trace.Tracer | None = None

    def begin(self, scope: Scope) -> RequestSpan:
        """Return the span of a request, as a child of that which its `traceparent` names."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        route = scope[ROUTE]
        method = scope["method"]
        # Semantic conventions for HTTP server spans. The path is left out where it may be anything.
        attributes = {
            "http.request.method": method,
            "url.scheme": scope.get("scheme", "http"),
            "network.protocol.version": scope["http_version"],
        }
        if route.template:
            attributes["http.route"] = route.template
            if route.stamp is not None or "{" not in route.template:
                attributes["url.path"] = scope["path"]
        span = self._made_tracer().start_span(
            f"{method} {route.template}" if route.template else method,
            context=TraceContextTextMapPropagator().extract(carrier),
            kind=SpanKind.SERVER,
            attributes=attributes,
        )
        return RequestSpan(span)

    async def work(self) -> float | None:
        """Do nothing: OpenTelemetry has a thread that sends what has been recorded."""
        return None

    async def close(self) -> None:
        """Send the last spans, if that does not take too long."""
        provider = self._provider
        if provider is None:
            return
        loop = asyncio.get_running_loop()
        sent = asyncio.Event()

        def send() -> None:
            provider.shutdown()
            with suppress(RuntimeError):  # it took too long, and the loop is closed
                loop.call_soon_threadsafe(sent.set)

        # NOTE: a thread that nobody has to wait for, unlike those of asyncio.
        threading.Thread(target=send, daemon=True).start()
        with suppress(TimeoutError):
            await asyncio.wait_for(sent.wait(), _FLUSH_S)

    def _made_tracer(self) -> trace.Tracer:
        """Return the tracer, which is made in the worker, since it has a thread."""
        if self._tracer is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import OTELResourceDetector, Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor

            names = {"service.name": f"eventpost-{self._service}", "service.version": __version__}
            resource = Resource(names).merge(OTELResourceDetector().detect())
            self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
            self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            self._tracer = self._provider.get_tracer("eventpost", __version__)
        return self._tracer


class RequestSpan:
    """The span of one request."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def trace_id(self) -> str:
        """The id of the trace, in hex."""
        return f"{self._span.get_span_context().trace_id:032x}"

    def end(self, status: int) -> None:
        """Take note of the status of the answer, or of 0 where there is none."""
        from opentelemetry.trace import StatusCode

        if status:
            self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(StatusCode.ERROR)
        self._span.end()
