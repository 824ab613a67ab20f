"""Dispatchers of one machine each have a slot, and know who had it before."""

from __future__ import annotations

from pathlib import Path

from notifications_microservice.delivery.slot import slot


def test_each_of_several_has_a_slot_of_its_own(tmp_path: Path) -> None:
    with slot(tmp_path) as first, slot(tmp_path) as second:
        assert first.owner != second.owner
        assert (first.predecessor, second.predecessor) == ("", "")


def test_whoever_takes_a_slot_knows_who_had_it(tmp_path: Path) -> None:
    with slot(tmp_path) as stays, slot(tmp_path) as goes:
        pass
    with slot(tmp_path) as other:
        assert other.predecessor == stays.owner
    with slot(tmp_path) as first, slot(tmp_path) as second:
        assert {first.predecessor, second.predecessor} == {other.owner, goes.owner}


def test_where_nothing_can_be_written_there_is_no_predecessor(tmp_path: Path) -> None:
    (tmp_path / "delivery").write_text("in the way")
    with slot(tmp_path) as taken:
        assert taken.owner
        assert taken.predecessor == ""
