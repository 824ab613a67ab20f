from __future__ import annotations

from pathlib import Path

import pytest

from tests.performance import load_samples

HEAD = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,success\n"
READERS = """\
1000,10,GET /events,200,OK,readers 1-1,true
1500,30,GET /events,503,Service Unavailable,readers 1-1,false
2000,20,GET /events/{id},200,OK,readers 1-2,true
3000,1000,GET /events,Non HTTP response code: x,Non HTTP response message: Socket closed,r,false
3000,9,GET /events,Non HTTP response code: x,x message: Connection has been shut down,r,false
"""
WRITERS = "2200,40,POST /events,201,Created,writers 1-1,true\n"


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    (tmp_path / "kpi.jtl").write_text(HEAD + READERS)
    (tmp_path / "kpi-1.jtl").write_text(HEAD + WRITERS)
    return tmp_path


def test_the_files_of_all_scenarios_are_read_but_not_what_jmeter_closed(artifacts: Path) -> None:
    samples = load_samples.read(artifacts)
    assert [sample.started_s for sample in samples] == [0, 0.5, 1.0, 1.2]
    assert [sample.failed for sample in samples] == [False, True, False, False]


def test_a_run_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no samples"):
        load_samples.read(tmp_path)


def test_figures_are_those_of_all_the_samples(artifacts: Path) -> None:
    figures = load_samples.figures(load_samples.read(artifacts))
    assert figures.requests_per_second == pytest.approx(4 / 1.24)
    assert (figures.failed, figures.mean_ms, figures.p50_ms, figures.max_ms) == (1, 25, 25, 40)


def test_the_second_half_leaves_out_the_warm_up(artifacts: Path) -> None:
    samples = load_samples.second_half(load_samples.read(artifacts))
    assert [sample.started_s for sample in samples] == [1.0, 1.2]


def test_samples_are_told_apart_by_their_label(artifacts: Path) -> None:
    kinds = load_samples.by_label(load_samples.read(artifacts))
    assert {label: len(samples) for label, samples in kinds.items()} == {
        "GET /events": 2,
        "GET /events/{id}": 1,
        "POST /events": 1,
    }


def test_each_second_has_its_number_of_answers_and_their_mean(artifacts: Path) -> None:
    seconds = load_samples.per_second(load_samples.read(artifacts))
    assert seconds == {0: (2, 20.0), 1: (2, 30.0)}
