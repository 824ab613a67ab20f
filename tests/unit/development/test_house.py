from __future__ import annotations

import pytest

from development import house

# In lines, of which a module usually has fewer than 250.
LONGEST_MODULE = 300


@pytest.mark.parametrize("page", house.PAGES)
def test_the_committed_page_is_what_the_imports_and_docstrings_are_now(page: str) -> None:
    assert (house.PROJECT / page).read_text() == house.current(page), "run ./invoke house"


def test_the_picture_has_each_import_between_rooms() -> None:
    drawn = house.picture().splitlines()
    assert (
        "    events_microservice___main__ --> events_microservice_settings & "
        + ("microservice_chassis_process")
        in drawn
    )
    assert '        microservice_chassis_http["http"]' in drawn
    for importer, imported in house.imports().items():
        (line,) = [each for each in drawn if each.startswith(f"    {importer.replace('.', '_')} ")]
        assert line.count("microservice_") - 1 == len(imported)


def test_the_map_has_a_line_for_each_room_that_says_what_it_is_for() -> None:
    lines = house.room_map().splitlines()[2:]
    assert len(lines) == len(house.rooms())
    for line in lines:
        _, place, what, _ = line.split("|")
        assert (house.PROJECT / place.strip(" `")).exists()
        assert what.strip().endswith(".")


def test_each_module_is_short_enough_to_be_read_at_once() -> None:
    modules = [path for each in house.PACKAGES for path in (house.PROJECT / each).rglob("*.py")]
    assert len(modules) > 100
    lines = {path: len(path.read_text().splitlines()) for path in modules}
    assert {path: number for path, number in lines.items() if number > LONGEST_MODULE} == {}
