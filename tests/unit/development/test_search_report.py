from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.performance import search_report
from tests.performance.search_measurement import Measured, Sample
from tests.performance.search_queries import Search
from tests.performance.search_report import Run
from tests.performance.search_samples import Examined
from tests.performance.search_service import Preparation
from tests.performance.search_writes import Cost, Round

SIZES = (1_000, 100_000)
TOPIC = Search("`topic`", lambda _: {}, scaling=True, exact=True)
WORDS = Search("`q`", lambda _: {})


def measured(*times_ms: list[float], documents: int = 101, returned: int = 100) -> Measured:
    """The times of TOPIC for each number of events."""
    examined = [Examined(documents, keys=120, returned=returned, by="by_tag")]
    samples = zip(SIZES, times_ms, strict=True)
    return {TOPIC.name: {size: Sample(each, examined) for size, each in samples}}


def test_a_row_has_medians_their_growth_the_worst_and_what_was_examined() -> None:
    found = measured([2.0, 2.0, 9.0], [3.0, 5.0, 4.0])
    (row,) = list(search_report.table([TOPIC], found, SIZES))[2:]
    assert row == "| `topic` | 2.0 | 4.0 | 2.0 | 9 | 100 | 101 | 120 | `by_tag` |"


def test_what_is_within_its_targets_is_not_named() -> None:
    assert list(search_report.missed([TOPIC], measured([1.0], [5.0]), SIZES)) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (measured([1.0], [5.1]), "`topic`: 5.1 times the time at 100,000 events, at most 5 was"),
        (measured([1.0], [1.0, 1.0, 1500.0]), "`topic`: one request of 1,500 ms at 100,000 events"),
        (measured([1.0], [1.0], documents=301), "`topic`: 3.0 documents for each found at 1,000"),
    ],
)
def test_what_misses_a_target_is_named_with_by_how_much(found: Measured, said: str) -> None:
    assert next(search_report.missed([TOPIC], found, SIZES)).startswith(said)


def test_a_search_of_which_nothing_is_promised_may_grow() -> None:
    found = {WORDS.name: measured([1.0], [500.0], documents=900)[TOPIC.name]}
    assert list(search_report.missed([WORDS], found, SIZES)) == []


def test_the_ratio_of_writes_is_the_median_of_those_within_the_rounds() -> None:
    # The machine became half as fast after the first round: 2.0, 2.5 and 2.0.
    rounds = [
        Round(Cost(1.0, 400, 100), Cost(2.0, 800, 200)),
        Round(Cost(2.0, 800, 200), Cost(5.0, 2000, 500)),
        Round(Cost(2.0, 800, 200), Cost(4.0, 1600, 400)),
    ]
    row = list(search_report.writes(rounds))[2]
    assert row == "| p50 of the time, ms | 2.00 | 4.00 | 2.00 | 2.00 | 2.50 |"


def test_the_page_says_how_it_was_measured_and_what_was_missed() -> None:
    prepared = dict.fromkeys(SIZES, Preparation(1.0, 2.0, 3.0, 4.0, 5.0))
    rounds = [Round(Cost(1.0, 1, 1), Cost(2.0, 2, 2))]
    run = Run(SIZES, 7, 100_000, datetime(2026, 11, 25, tzinfo=UTC))
    page = search_report.page([TOPIC], measured([1.0], [6.0]), prepared, rounds, run)
    assert "`./invoke bench-search --values 7`" in page
    assert "25 November 2026" in page
    assert "- `topic`: 6.0 times the time at 100,000 events" in page
    assert "| 1,000 | 1.0 | 2.0 | 3.0 | 4.0 | 5.0 |" in page
