"""The publisher: hands what a worker has counted to prometheus-client, once a second.

So to count a request costs it some additions, however much Prometheus wants to know of it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple, get_args

from prometheus_client import Counter, Gauge

from microservice_chassis.edge.request_counts import RequestCounts
from microservice_chassis.metrics.histogram import DurationHistogram
from microservice_chassis.storage.operation_counts import OperationCounts, Outcome

INTERVAL_S = 1.0

# What any client can make of a method is none of the labels.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# By the value of Cache-Status (RFC 9211).
_CACHE_RESULTS = {
    b"eventpost; hit": "hit",
    b"eventpost; fwd=miss; stored": "miss",
    b"eventpost; fwd=miss; collapsed": "collapsed",
    b"eventpost; fwd=bypass": "bypass",
}

# By whether they write.
_OPERATIONS = {False: "read", True: "write"}


class Counted(NamedTuple):
    """What one worker counts, and functions that tell its state.

    How many operations wait for MongoDB, whether the response cache can be used, and how many
    documents wait for the migration that this worker makes.
    """

    requests: RequestCounts
    operations: OperationCounts
    waiting: Callable[[], int]
    cache_usable: Callable[[], bool]
    to_migrate: Callable[[], int]


class Publisher:
    """Work in the background of a worker."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._metrics: _Metrics | None = None

    async def work(self) -> float | None:
        """Hand over what has been counted."""
        # NOTE: made in the worker, in whose files they are.
        if self._metrics is None:
            self._metrics = _Metrics()
        self._metrics.take(self._counted)
        return INTERVAL_S

    async def close(self) -> None:
        """Hand over the rest, behind the last request."""
        await self.work()


class _Metrics:
    """The metrics of prometheus-client to which a worker adds; docs/monitoring.md lists them."""

    def __init__(self) -> None:
        self._requests = Counter(
            "eventpost_http_requests",
            "Requests that were answered, the server's refusals not among them.",
            ("route", "method", "status"),
            registry=None,
        )
        self._durations = DurationHistogram(
            "eventpost_http_request_duration_seconds",
            "Time from the head of a request to the end of its answer.",
            ("route", "method"),
            registry=None,
        )
        self._in_flight = Gauge(
            "eventpost_http_requests_in_flight",
            "Requests that are being answered.",
            registry=None,
            multiprocess_mode="livesum",
        )
        self._cut_off = Counter(
            "eventpost_http_requests_cut_off",
            "Answers that had begun and could not be completed.",
            registry=None,
        )
        self._refused = Counter(
            "eventpost_http_requests_refused",
            "Requests that the server refused: no HTTP, too large, too slow.",
            ("status",),
            registry=None,
        )
        self._cache = Counter(
            "eventpost_cache_requests",
            "Reads that the response cache was asked for.",
            ("result",),
            registry=None,
        )
        self._cache_usable = Gauge(
            "eventpost_cache_usable",
            "1 while every worker can answer from the response cache.",
            registry=None,
            multiprocess_mode="livemin",
        )
        self._operations = Counter(
            "eventpost_mongodb_operations",
            "Operations at MongoDB that have ended.",
            ("kind", "outcome"),
            registry=None,
        )
        self._operation_durations = DurationHistogram(
            "eventpost_mongodb_operation_duration_seconds",
            "Time from the begin of an operation to its end.",
            ("kind",),
            registry=None,
        )
        self._waiting = Gauge(
            "eventpost_mongodb_operations_waiting",
            "Operations that wait at the bulkhead until they may begin.",
            registry=None,
            multiprocess_mode="livesum",
        )
        self._to_migrate = Gauge(
            "eventpost_migration_documents_waiting",
            "Documents that are yet to be brought into today's form, while a worker is at it.",
            registry=None,
            multiprocess_mode="livemax",
        )
        # NOTE: what is there from the beginning, as 0, shows its first increase, too.
        for result in _CACHE_RESULTS.values():
            self._cache.labels(result)
        for kind, outcome in product(_OPERATIONS.values(), get_args(Outcome)):
            self._operations.labels(kind, outcome)

    def take(self, counted: Counted) -> None:
        """Add what has been counted since the last time."""
        for kind, durations in counted.requests.take_answered().items():
            route = kind.route or "unknown"
            method = kind.method if kind.method in _METHODS else "other"
            self._requests.labels(route, method, str(kind.status)).inc(durations.count)
            self._durations.labels(route, method).add(durations)
            if kind.cache is not None:
                self._cache.labels(_CACHE_RESULTS[kind.cache]).inc(durations.count)
        for status, count in counted.requests.take_refused().items():
            self._refused.labels(str(status)).inc(count)
        self._cut_off.inc(counted.requests.take_cut_off())
        self._in_flight.set(counted.requests.in_flight)
        for operation, durations in counted.operations.take_ended().items():
            name = _OPERATIONS[operation.write]
            self._operations.labels(name, operation.outcome).inc(durations.count)
            self._operation_durations.labels(name).add(durations)
        self._waiting.set(counted.waiting())
        self._cache_usable.set(counted.cache_usable())
        self._to_migrate.set(counted.to_migrate())
