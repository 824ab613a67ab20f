from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing import get_context

import pytest

from microservice_chassis.errors import ResourceNotFound
from microservice_chassis.identifiers import new_id, parse_id


def test_an_id_made_later_sorts_later_whichever_process_makes_it() -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        ids = [processes.submit(new_id).result() for _ in range(200)]
    assert all(earlier < later for earlier, later in pairwise(ids))


def test_ids_made_at_the_same_time_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_999_999_999)
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_an_id_tells_when_it_was_made() -> None:
    age = datetime.now(UTC) - new_id().generation_time
    assert timedelta(0) <= age < timedelta(seconds=2)


def test_an_id_is_read_in_either_case() -> None:
    identifier = new_id()
    assert parse_id(str(identifier)) == parse_id(str(identifier).upper()) == identifier


@pytest.mark.parametrize("text", ["", "f" * 23, "f" * 25, "g" * 24, "../" * 8, "f" * 22 + "  "])
def test_what_is_no_id_is_not_found(text: str) -> None:
    with pytest.raises(ResourceNotFound):
        parse_id(text)
