"""What a scrape is told of the delivery."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from notifications_microservice.delivery.answer import Reason
from notifications_microservice.delivery_metrics import metrics
from notifications_microservice.models.figures import FAILURES, Figures

PAGE = Path(__file__).parents[3] / "docs" / "delivery.md"

FIGURES = Figures(
    sent=7,
    deferred=2,
    missed=1,
    failed={"recipient": 3, "content": 4},
    delays={"5": 2, "50": 4, "more": 1},
    due=5,
    sending=6,
    oldest_s=12.5,
)


def samples(figures: Figures) -> dict[tuple[str, str], float]:
    """The values by name and label."""
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for metric in metrics(figures)
        for sample in metric.samples
    }


def test_they_are_the_figures() -> None:
    told = samples(FIGURES)
    assert told["eventpost_delivery_due", ""] == 5
    assert told["eventpost_delivery_oldest_due_seconds", ""] == 12.5
    assert told["eventpost_delivery_sending", ""] == 6
    assert told["eventpost_delivery_sent_total", ""] == 7
    assert told["eventpost_delivery_deferred_total", ""] == 2
    assert told["eventpost_delivery_missed_total", ""] == 1
    assert told["eventpost_delivery_failed_total", "recipient"] == 3
    assert told["eventpost_delivery_failed_total", "content"] == 4
    bucket = "eventpost_delivery_delay_seconds_bucket"
    assert [told[bucket, bound] for bound in ("0.005", "0.025", "0.05", "86400.0", "+Inf")] == [
        *(2, 2, 6, 6, 7)
    ]


def test_what_has_not_failed_yet_is_told_as_none_so_that_the_first_one_is_an_increase() -> None:
    told = samples(FIGURES._replace(failed={"content": 4}))
    failed = {label: n for (name, label), n in told.items() if name.endswith("failed_total")}
    assert failed == {"content": 4, "recipient": 0, "retries": 0, "unreadable": 0}
    # A connection that breaks is tried again, and becomes a failure when the retries run out.
    reasons = {reason for part in get_args(Reason) for reason in get_args(part)}
    assert set(FAILURES) == reasons - {"", "connection"}


def test_the_page_lists_all_of_them() -> None:
    listed = set(re.findall(r"`(eventpost_delivery_\w+)`", PAGE.read_text()))
    assert listed == {re.sub("_bucket$", "", name) for name, _ in samples(FIGURES)}
