from __future__ import annotations

import pytest

from tests.performance import comparison_report
from tests.performance.comparison_report import Measured, Ratio, Round, Sample
from tests.performance.cpu_time import CpuTime
from tests.performance.wrk import Result


def reached(rate: float, server_us: float, mongod_us: float = 0, errors: int = 0) -> Sample:
    return Sample(rate, server_us, mongod_us, p99_ms=rate / 100, errors=errors)


# The machine was half as fast in the second round.
MEASURED: Measured = {
    "list": [
        Round(reached(1000, 400, 100), reached(2000, 200, 50)),
        Round(reached(500, 800, 200), reached(600, 500, 100, errors=1)),
        Round(reached(1000, 400, 100, errors=2), reached(1500, 300, 150)),
    ],
    "cached": [Round(reached(9000, 60), reached(8000, 66))],
}


def cells(load: str, figure: str) -> list[str]:
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in comparison_report.table(MEASURED)
    ]
    start = [line[0] for line in lines].index(load)
    return next(line[2:] for line in lines[start:] if line[1] == figure)


def test_the_cpu_time_of_a_request_is_shared_out_over_those_that_were_answered() -> None:
    taken = CpuTime(server=5.5, mongod=2.25).since(CpuTime(server=4.0, mongod=2.0))
    sample = comparison_report.sample(Result(1000, 1.0, 9.0, errors=3, requests=5000), taken)
    assert (sample.server_us, sample.mongod_us, sample.cpu_us) == pytest.approx((300, 50, 350))
    assert (sample.requests_per_second, sample.p99_ms, sample.errors) == (1000, 9.0, 3)


def test_a_run_without_an_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="no request was answered"):
        comparison_report.sample(Result(0, 0, 0, errors=10, requests=0), CpuTime(1, 1))


def test_a_ratio_is_the_median_of_those_within_the_rounds_with_their_range() -> None:
    # 2.0, 1.2 and 1.5; the ratio of the medians would be 1.5 for any round of the slow machine.
    ratio = comparison_report.ratio(MEASURED["list"], lambda sample: sample.requests_per_second)
    assert ratio == pytest.approx(Ratio(median=1.5, lowest=1.2, highest=2.0))


def test_there_is_no_ratio_where_the_base_took_nothing() -> None:
    assert comparison_report.ratio(MEASURED["cached"], lambda sample: sample.mongod_us) is None
    assert cells("cached", "- mongod") == ["0", "0", "", "", ""]


def test_a_line_has_the_medians_of_both_and_the_ratios() -> None:
    assert cells("list", "requests/s") == ["1,000", "1,500", "1.500", "1.200", "2.000"]
    assert cells("list", "p99, ms") == ["10.0", "15.0", "1.500", "1.200", "2.000"]


def test_server_and_mongod_are_shown_together_and_apart() -> None:
    assert cells("list", "CPU of a request, us") == ["500", "450", "0.600", "0.500", "0.900"]
    assert cells("list", "- server") == ["400", "300", "0.625", "0.500", "0.750"]
    assert cells("list", "- mongod") == ["100", "100", "0.500", "0.500", "1.500"]


def test_errors_are_those_of_all_rounds() -> None:
    assert cells("list", "errors") == ["2", "1", "", "", ""]


def test_the_columns_of_the_table_are_aligned() -> None:
    assert len({len(line) for line in comparison_report.table(MEASURED)}) == 1
