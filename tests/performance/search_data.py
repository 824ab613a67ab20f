"""The events that searches are measured with: as skew as those of people are.

They are what EventPost 1.0.0 kept, each tenth one what the original EventPost did.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, product
from typing import Any, NamedTuple

Event = dict[str, Any]

FIRST_DAY = date(2026, 1, 1)
DAYS = 3 * 365

# How far the events of a city are scattered, as a standard deviation in degrees: about 5 km.
_SCATTER = 0.05

_KINDS = ("Hall", "Park", "Theatre", "Library", "Museum", "Cinema", "School", "Club", "Café", "Lab")
_ZONES = ("Europe/Berlin", "Europe/Madrid", "Europe/London", "Europe/Athens", "UTC")

# Durations and how many of a hundred events have them; most events are short.
_DURATIONS = {
    None: 20,
    "PT1H": 15,
    "PT2H": 25,
    "PT3H": 15,
    "PT8H": 10,
    "P1D": 7,
    "P3D": 4,
    "P10D": 3,
    "P31D": 1,
}

_SYLLABLES = [first + vowel for first, vowel in product("bdfgklmnprstvz", "aeiou")]


class Zipf:
    """Names whose frequency is the inverse of their rank (Zipf's law), the most frequent first."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._weights = list(accumulate(1 / rank for rank in range(1, len(names) + 1)))

    def some(self, dice: random.Random, number: int = 1) -> list[str]:
        """Return names, which need not differ."""
        return dice.choices(self.names, cum_weights=self._weights, k=number)


class City(NamedTuple):
    """Where events take place."""

    name: str
    latitude: float
    longitude: float
    timezone: str


def _names(number: int) -> list[str]:
    """Return words that all differ, the short ones first."""
    words = _SYLLABLES[:]
    for syllables in (2, 3):
        words += map("".join, product(_SYLLABLES, repeat=syllables))
    # NOTE: in the order of the alphabet those of one rank would be in one part of an index.
    chosen = words[len(_SYLLABLES) : len(_SYLLABLES) + 8 * number : 7][:number]
    random.Random(0).shuffle(chosen)
    return chosen


def _cities() -> list[City]:
    dice = random.Random(1)
    return [
        City(
            name.title(),
            round(dice.uniform(37, 60), 3),
            round(dice.uniform(-9, 29), 3),
            dice.choice(_ZONES),
        )
        for name in _names(1050)[1000:]
    ]


WORDS = Zipf(_names(20_000))
TOPICS = Zipf(_names(200))
ORGANIZERS = Zipf([f"{name.title()} & Co" for name in _names(3000)])
CITIES = {city.name: city for city in _cities()}
# A kind, a name, and behind the comma the city.
PLACES = Zipf(
    [
        f"{_KINDS[number % len(_KINDS)]} {name.title()}, {list(CITIES)[number % 50]}"
        for number, name in enumerate(_names(2000))
    ]
)


def given(dice: random.Random) -> Event:
    """Return an event as a client gives it."""
    (place,) = PLACES.some(dice)
    city = CITIES[place.rpartition(", ")[2]]
    day = FIRST_DAY + timedelta(days=dice.randrange(DAYS))
    (duration,) = dice.choices(list(_DURATIONS), weights=list(_DURATIONS.values()))
    return {
        "title": " ".join(WORDS.some(dice, 4)).capitalize(),
        "description": " ".join(WORDS.some(dice, dice.randint(15, 45))),
        "date": day.isoformat(),
        "time": f"{dice.randint(8, 22):02}:{dice.choice((0, 15, 30, 45)):02}:00",
        "place": place,
        "organizer": ORGANIZERS.some(dice)[0],
        "topics": ", ".join(dict.fromkeys(TOPICS.some(dice, dice.randint(1, 3)))),
        "timezone": city.timezone,
        "duration": duration,
        "location": {
            "latitude": round(dice.gauss(city.latitude, _SCATTER), 5),
            "longitude": round(dice.gauss(city.longitude, _SCATTER), 5),
        },
    }


def documents(number: int, seed: int) -> Iterator[Event]:
    """Yield the documents of earlier versions; the same seed gives the same ones."""
    dice = random.Random(seed)
    created_at = datetime(2025, 1, 1, tzinfo=UTC)
    for count in range(number):
        event = given(dice)
        if count % 10 == 0:
            for later in ("timezone", "duration", "location"):
                del event[later]
            yield event
            continue
        created_at += timedelta(seconds=dice.randint(1, 60))
        updated_at = created_at + timedelta(days=dice.choice((0, 0, 0, dice.randint(1, 90))))
        yield {**event, "created_at": created_at, "updated_at": updated_at, "revision": 1}
