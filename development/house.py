"""The picture of the house: which room imports which, and one line on what lives in each.

python -m development.house writes both between the markers of the pages in PAGES, from the
imports and the docstrings of the code; a test holds that the committed pages are current.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import grimp

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("events_microservice", "notifications_microservice", "microservice_chassis")


def rooms() -> dict[str, Path]:
    """The rooms by the names of their modules, each with the file that says what it is for.

    A room is a package or a module directly below one of PACKAGES.
    """
    found = {}
    for package in PACKAGES:
        for path in sorted((PROJECT / package).iterdir()):
            if (path / "__init__.py").is_file():
                found[f"{package}.{path.name}"] = path / "__init__.py"
            elif path.suffix == ".py" and path.stem != "__init__":
                found[f"{package}.{path.stem}"] = path
    return found


def imports() -> dict[str, set[str]]:
    """Which rooms each room imports, by the names of their modules."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    found: dict[str, set[str]] = defaultdict(set)
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            if _room(imported) != _room(module):
                found[_room(module)].add(_room(imported))
    return found


def picture() -> str:
    """A Mermaid flowchart of the rooms; an arrow leads from a room to those that it imports."""
    lines = ["```mermaid", "flowchart TD"]
    for package in PACKAGES:
        lines.append(f"    subgraph {package}")
        for name in rooms():
            within, _, label = name.partition(".")
            if within == package:
                lines.append(f'        {_node(name)}["{label}"]')
        lines.append("    end")
    for importer, imported in sorted(imports().items()):
        lines.append(f"    {_node(importer)} --> {' & '.join(map(_node, sorted(imported)))}")
    return "\n".join([*lines, "```"])


def room_map() -> str:
    """A table with one line for each room: the first of its docstring."""
    lines = ["| room | what lives there |", "|---|---|"]
    for path in rooms().values():
        place = path.parent if path.stem == "__init__" else path
        name = f"{place.relative_to(PROJECT)}{'/' if place.is_dir() else ''}"
        docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
        lines.append(f"| `{name}` | {docstring.partition(chr(10))[0]} |")
    return "\n".join(lines)


# What is drawn between the markers of that name on each page.
PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "docs/house.md": {"picture": picture, "map": room_map},
    "CONTRIBUTING.md": {"map": room_map},
}


def current(page: str) -> str:
    """The text of a page of PAGES, with what is drawn as the code is now.

    Raises:
        ValueError: the page lacks a marker.
    """
    text = (PROJECT / page).read_text()
    for name, draw in PAGES[page].items():
        begin, end = f"<!-- {name}: ./invoke house -->", f"<!-- end of {name} -->"
        before, begun, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not (begun and ended):
            raise ValueError(f"{page} lacks {begin} or {end}")
        text = f"{before}{begin}\n\n{draw()}\n\n{end}{after}"
    return text


def _room(module: str) -> str:
    """The name of the room that a module lies in."""
    return ".".join(module.split(".")[:2])


def _node(room: str) -> str:
    """A room's name as Mermaid takes it for a node."""
    return room.replace(".", "_")


if __name__ == "__main__":
    for page in PAGES:
        (PROJECT / page).write_text(current(page))
