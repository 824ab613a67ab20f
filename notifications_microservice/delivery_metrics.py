"""The figures of the delivery as metrics, which a scrape asks MongoDB for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from notifications_microservice.models.figures import DELAYS_MS, FAILURES, MORE, Figures
from notifications_microservice.models.notification_dator import NotificationDator


def delivery_metrics(dator: NotificationDator) -> Callable[[], Awaitable[Iterable[Metric]]]:
    """Return a collector of what the delivery has to do, and did; all dispatchers together."""

    async def collect() -> Iterable[Metric]:
        async with dator.bulkhead.operation():
            return list(metrics(await dator.figures().read()))

    return collect


def metrics(figures: Figures) -> Iterator[Metric]:
    """Yield the metrics of some figures."""
    for name, what, value in (
        ("due", "Notifications that should have been sent by now.", figures.due),
        ("sending", "Notifications that are claimed.", figures.sending),
        ("oldest_due_seconds", "For how long the oldest has been due.", figures.oldest_s or 0),
    ):
        yield GaugeMetricFamily(f"eventpost_delivery_{name}", what, value)
    for name, what, total in (
        ("sent", "Notifications that an SMTP server has accepted.", figures.sent),
        ("deferred", "Attempts that are made again.", figures.deferred),
        ("missed", "Notifications that had been due for too long.", figures.missed),
    ):
        yield CounterMetricFamily(f"eventpost_delivery_{name}", what, total)
    failed = CounterMetricFamily(
        "eventpost_delivery_failed", "Notifications that failed for good.", labels=("reason",)
    )
    # NOTE: Prometheus sees no increase in a series that begins with a 1, so each begins with a 0.
    for reason, number in {**dict.fromkeys(FAILURES, 0), **figures.failed}.items():
        failed.add_metric((reason,), number)
    yield failed
    yield HistogramMetricFamily(
        "eventpost_delivery_delay_seconds",
        "From when a notification could be sent until it was accepted.",
        buckets=list(_buckets(figures)),
        sum_value=None,
    )


def _buckets(figures: Figures) -> Iterator[tuple[str, float]]:
    """Yield how many took up to each bound, as a histogram of Prometheus has it."""
    reached = 0
    for bound_ms in DELAYS_MS:
        reached += figures.delays.get(str(bound_ms), 0)
        yield str(bound_ms / 1000), reached
    yield "+Inf", reached + figures.delays.get(MORE, 0)
