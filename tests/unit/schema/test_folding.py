from __future__ import annotations

import pytest

from microservice_chassis.schema.folding import folded, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Málaga", "malaga"),
        ("ÉTÉ", "ete"),
        ("Straße", "STRASSE"),
        ("ﬁnal", "FINAL"),
        ("Ⓐ", "a"),
        ("  two   spaces\n", "Two Spaces"),
        ("e\u0301", "é"),
        ("İstanbul", "istanbul"),
    ],
)
def test_case_accents_and_spaces_make_no_difference(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_folding_what_is_folded_changes_nothing() -> None:
    every = "".join(map(chr, (*range(0x20, 0xD800), *range(0xE000, 0x20000))))
    assert folded(folded(every)) == folded(every)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Rock'n'roll, baby!", ["baby", "n", "rock", "roll"]),
        ("snake_case a-b a", ["a", "b", "case", "snake"]),
        ("上野公園 2027", ["2027", "上野公園"]),
        ("—!?", []),
    ],
)
def test_a_word_is_a_run_of_letters_and_digits(text: str, found: list[str]) -> None:
    assert words(text) == found
