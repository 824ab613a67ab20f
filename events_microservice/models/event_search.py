"""What is kept with an event to find it by.

It stands in `search` of the document:

title       string      the title, folded, to sort by
tags        array       `t:` and a topic, `o:` and the organizer, `p:` and a word of the place
words       array       the words of title, description, place, organizer and topics
class       int         how long the event lasts, as a position in CLASSES
last_date   string      the local date of its end
geo         GeoJSON     its location, if it has one
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from microservice_chassis.schema.folding import folded, words

# Events are told apart by how long they last at most, so that a search for those that overlap a
# range of time looks back no further than it must. The longest may have a change of the clocks.
CLASSES = (timedelta(hours=4), timedelta(days=1), timedelta(days=4), timedelta(days=33))


def tag_of_topic(name: str) -> str:
    """Return the tag of a folded topic."""
    return f"t:{name}"


def tag_of_organizer(name: str) -> str:
    """Return the tag of a folded organizer."""
    return f"o:{name}"


def tag_of_place(word: str) -> str:
    """Return the tag of a folded word of a place."""
    return f"p:{word}"


def tags(topics: str, organizer: str, place: str) -> list[str]:
    """Return the tags of an event, each once."""
    return sorted({*_tags(topics, organizer, place)})


def _tags(topics: str, organizer: str, place: str) -> Iterator[str]:
    yield from (tag_of_topic(name) for name in map(folded, topics.split(",")) if name)
    if name := folded(organizer):
        yield tag_of_organizer(name)
    yield from map(tag_of_place, words(place))


def class_of(length: timedelta) -> int:
    """Return the class of an event that lasts so long."""
    return next((number for number, most in enumerate(CLASSES) if length <= most), len(CLASSES) - 1)
