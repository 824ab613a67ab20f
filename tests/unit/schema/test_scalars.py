from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microservice_chassis.schema.malformed import Malformed
from microservice_chassis.schema.scalars import in_milliseconds, line, text

CONTROL = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]


@pytest.mark.parametrize("character", CONTROL)
def test_text_has_no_control_character_but_tab_and_newline(character: str) -> None:
    if character in "\t\n":
        assert text(f"a{character}b{character}") == f"a{character}b{character}"
    else:
        with pytest.raises(Malformed, match="control"):
            text(f"a{character}")


@pytest.mark.parametrize("character", [*CONTROL, "\u2028", "\u2029"])
def test_a_line_has_nothing_that_ends_a_line_and_no_control_character(character: str) -> None:
    with pytest.raises(Malformed, match="control"):
        line(f"a{character}")


def test_a_control_character_is_named_with_its_place() -> None:
    with pytest.raises(Malformed) as caught:
        text("ab\x07")
    assert str(caught.value) == "character 3 is the control character U+0007"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_any_other_text_is_kept_as_it_is(value: str) -> None:
    assert text(value) == line(value) == value
    assert len(line(value).splitlines()) <= 1


def test_separators_of_lines_and_paragraphs_are_text() -> None:
    assert text("one\u2028two\u2029three") == "one\u2028two\u2029three"


def test_a_time_is_cut_to_the_milliseconds_of_a_bson_date() -> None:
    moment = datetime(2027, 5, 1, 18, 0, 0, 123987, tzinfo=UTC)
    assert in_milliseconds(moment).microsecond == 123000
    assert in_milliseconds(in_milliseconds(moment)) == in_milliseconds(moment)
