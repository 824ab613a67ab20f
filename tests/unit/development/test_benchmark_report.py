from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.performance import benchmark_report
from tests.performance.benchmark_report import Measured, Memory, Row, Run
from tests.performance.wrk import Result

GET, MANY, MIX = "GET", "GET, 1,000 connections", "mix"


def rounds(*rates: float) -> list[list[Result]]:
    return [[Result(each, mean_ms=1.0, p99_ms=9.0, errors=0, requests=3000)] for each in rates]


# The machine became half as fast after the first round, and recovered within the second.
MEASURED: Measured = {
    Row(GET, "null"): rounds(1000, 500, 1000),
    Row(GET, "simple", "304"): rounds(8000, 4000, 8000),
    Row(GET, "simple"): rounds(9000, 4500, 10000),
    Row(GET, "nothing"): rounds(10000, 9000, 12500),
    Row(MANY, "simple"): rounds(4500, 3600, 5000),
    Row(MIX, "null"): [
        [Result(300, 3.0, 30.0, 1, 3000), Result(100, 10.0, 50.0, 0, 3000)],
        [Result(100, 5.0, 10.0, 0, 3000), Result(100, 20.0, 70.0, 2, 3000)],
        [Result(200, 4.0, 20.0, 0, 3000), Result(100, 30.0, 60.0, 0, 3000)],
    ],
}


def cells(load: str, name: str) -> list[str]:
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in benchmark_report.table(MEASURED)
    ]
    (found,) = [line[2:] for line in lines if line[:2] == [load, name]]
    return found


def test_a_ratio_is_the_median_of_the_ratios_within_the_rounds() -> None:
    # 0.9, 0.5 and 0.8; the ratio of the medians would be 0.9.
    ratio = benchmark_report.ratio(MEASURED, Row(GET, "simple"), Row(GET, "nothing"))
    assert ratio == pytest.approx(0.8)


def test_rows_whose_rounds_differ_in_number_are_not_compared() -> None:
    measured = {Row(GET, "null"): rounds(1), Row(GET, "nothing"): rounds(1, 2)}
    with pytest.raises(ValueError, match="shorter"):
        benchmark_report.ratio(measured, Row(GET, "nothing"), Row(GET, "null"))


def test_a_row_is_beside_nothing_and_null_under_the_same_load() -> None:
    assert cells(GET, "simple") == ["9,000", "0.80", "9.00", "1.0 ms", "9.0 ms", "0"]
    assert cells(GET, "simple, 304")[1:3] == ["0.64", "8.00"]


def test_what_is_compared_with_has_no_ratio_to_itself() -> None:
    assert cells(GET, "nothing")[1:3] == ["", "12.50"]
    assert cells(GET, "null")[1:3] == ["0.08", ""]


def test_a_row_without_the_other_under_its_load_has_no_ratio() -> None:
    assert cells(MANY, "simple")[1:3] == ["", ""]


def test_the_rates_of_loads_at_the_same_time_are_added_and_their_times_are_not() -> None:
    assert cells(MIX, "null") == ["300", "", "", "4.0 / 20.0 ms", "20.0 / 60.0 ms", "3"]


def test_the_page_says_how_it_was_measured_and_what_many_connections_cost() -> None:
    page = benchmark_report.page(
        MEASURED,
        [(Row(GET, "simple"), Row(MANY, "simple"))],
        Memory(gunicorn=220.4, mongod=150.0, all=390.0),
        Run(3, 2, datetime(2026, 11, 23, tzinfo=UTC)),
    )
    assert "`./invoke bench --rounds 3 --seconds 2`" in page
    assert "23 November 2026" in page
    assert "The rate with 1,000 connections, of that with 10: simple 0.50." in page
    assert "220 MB Gunicorn's processes, 150 MB mongod, 390 MB with the launcher, in all" in page
    assert "\n".join(benchmark_report.table(MEASURED)) in page
