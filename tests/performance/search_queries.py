"""The searches that are measured, each with values as people ask for them: drawn as events are."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from tests.performance.search_data import (
    CITIES,
    DAYS,
    FIRST_DAY,
    ORGANIZERS,
    PLACES,
    TOPICS,
    WORDS,
)

Parameters = Mapping[str, str]

PAGE = 100

# The page that a walk has come to, or the last full one where there are fewer.
FAR_PAGE = 5000


class Search(NamedTuple):
    """A kind of search: what makes the parameters of one, and what is promised of it.

    The time of a `scaling` one grows with the number of events as the targets say.
    An `exact` one examines at most twice the documents that it returns. A `far` one is of a page
    that a long walk has come to.
    """

    name: str
    parameters: Callable[[random.Random], Parameters]
    scaling: bool = False
    exact: bool = False
    far: bool = False


def _topic(dice: random.Random) -> Parameters:
    return {"topic": TOPICS.some(dice)[0]}


def _organizer(dice: random.Random) -> Parameters:
    return {"organizer": ORGANIZERS.some(dice)[0]}


def _city(dice: random.Random) -> Parameters:
    return {"place": PLACES.some(dice)[0].rpartition(", ")[2]}


def _place(dice: random.Random) -> Parameters:
    """The kind of a place and its city."""
    place, _, city = PLACES.some(dice)[0].rpartition(", ")
    return {"place": f"{place.split()[0]} {city}"}


def _words(*ranks: tuple[int, int]) -> Callable[[random.Random], Parameters]:
    """Return what asks for one word of each range of ranks, all of which must occur."""

    def q(dice: random.Random) -> Parameters:
        return {"q": " ".join(WORDS.names[dice.randrange(first, last)] for first, last in ranks)}

    return q


# Ranges of ranks: words of a quarter of all events and more, of 1 to 3 %, and of a few in 10,000.
_FREQUENT, _MIDDLING, _RARE = (2, 10), (100, 300), (8000, 20_000)


def _moment(dice: random.Random) -> datetime:
    """A moment within the time of all events, and not at its end."""
    day = FIRST_DAY + timedelta(days=dice.randrange(DAYS - 60))
    return datetime.combine(day, time(), UTC) + timedelta(minutes=dice.randrange(1440))


def _from(dice: random.Random) -> Parameters:
    return {"from": f"{_moment(dice):%Y-%m-%dT%H:%M:%SZ}"}


def _to(dice: random.Random) -> Parameters:
    return {"to": f"{_moment(dice):%Y-%m-%dT%H:%M:%SZ}"}


def _days(number: int) -> Callable[[random.Random], Parameters]:
    """Return what asks for so many days, from an instant to another."""

    def window(dice: random.Random) -> Parameters:
        first = _moment(dice)
        last = first + timedelta(days=number)
        return {"from": f"{first:%Y-%m-%dT%H:%M:%SZ}", "to": f"{last:%Y-%m-%dT%H:%M:%SZ}"}

    return window


def _week_of_dates(dice: random.Random) -> Parameters:
    first = _moment(dice).date()
    return {"from": str(first), "to": str(first + timedelta(days=6))}


def _near(radius_km: int) -> Callable[[random.Random], Parameters]:
    def near(dice: random.Random) -> Parameters:
        city = CITIES[dice.choice(list(CITIES))]
        return {"near": f"{city.latitude},{city.longitude}", "radius": str(radius_km)}

    return near


def _updated_since(dice: random.Random) -> Parameters:
    moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(100_000))
    return {"updated_since": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}


def _all(*parts: Callable[[random.Random], Parameters], **more: str) -> Callable[..., Parameters]:
    """Return what asks for everything that its parts do."""

    def together(dice: random.Random) -> Parameters:
        found = dict(more)
        for part in parts:
            found |= part(dice)
        return found

    return together


SEARCHES = (
    Search("first page", _all(), scaling=True, exact=True),
    Search("first page by `starts_at`", _all(sort="starts_at"), scaling=True, exact=True),
    Search("first page by `title`", _all(sort="title"), scaling=True, exact=True),
    Search("first page by `-updated_at`", _all(sort="-updated_at"), scaling=True, exact=True),
    Search("page 5,000", _all(), scaling=True, exact=True, far=True),
    Search("page 5,000 by `starts_at`", _all(sort="starts_at"), True, True, True),
    Search("page 5,000 by `-starts_at`", _all(sort="-starts_at"), True, True, True),
    Search("page 5,000 by `title`", _all(sort="title"), True, True, True),
    Search("page 5,000 by `-updated_at`", _all(sort="-updated_at"), True, True, True),
    Search("`topic`", _topic, scaling=True, exact=True),
    Search("`topic` by `starts_at`", _all(_topic, sort="starts_at"), scaling=True, exact=True),
    Search("`organizer`", _organizer, scaling=True, exact=True),
    Search("`place`, one word", _city, scaling=True, exact=True),
    Search("`place`, two words", _place),
    Search("`q`, a rare word", _words(_RARE)),
    Search("`q`, a middling word", _words(_MIDDLING)),
    Search("`q`, rare + frequent", _words(_RARE, _FREQUENT)),
    Search("`q`, two frequent", _words(_FREQUENT, _FREQUENT)),
    Search("`q`, two middling", _words(_MIDDLING, _MIDDLING)),
    Search("`from`", _from, scaling=True, exact=True),
    Search("`to`", _to, scaling=True, exact=True),
    Search("a day", _days(1), scaling=True),
    Search("a week", _days(7), scaling=True, exact=True),
    Search("a week of dates", _week_of_dates, scaling=True, exact=True),
    Search("30 days", _days(30), scaling=True, exact=True),
    Search("30 days by `title`", _all(_days(30), sort="title")),
    Search("`updated_since`", _updated_since),
    Search("`updated_since` by `updated_at`", _all(_updated_since, sort="updated_at"), exact=True),
    Search("1 km, the nearest first", _near(1)),
    Search("5 km, the nearest first", _near(5)),
    Search("25 km, the nearest first", _near(25)),
    Search("1 km by `starts_at`", _all(_near(1), sort="starts_at")),
    Search("5 km by `starts_at`", _all(_near(5), sort="starts_at")),
    Search("25 km by `starts_at`", _all(_near(25), sort="starts_at")),
    Search("5 km and a week", _all(_near(5), _days(7)), scaling=True),
    Search("25 km and a week", _all(_near(25), _days(7)), scaling=True),
    Search("25 km and a week, the nearest first", _all(_near(25), _days(7), sort="distance")),
    Search("`topic` and `from`", _all(_topic, _from), scaling=True, exact=True),
    Search("`topic` and a week", _all(_topic, _days(7)), scaling=True, exact=True),
    Search("`topic` and 25 km, the nearest first", _all(_topic, _near(25))),
    Search("`topic` and `place`", _all(_topic, _city)),
    Search("`topic` by `title`", _all(_topic, sort="title")),
    Search("`topic` and a middling word", _all(_topic, _words(_MIDDLING))),
    Search("a middling word and a week", _all(_words(_MIDDLING), _days(7))),
    Search("`organizer`, `topic` and `from`", _all(_organizer, _topic, _from)),
    Search("all filters", _all(_topic, _city, _words(_FREQUENT), _days(30), _near(25))),
    Search("count of everything", _all(count="true")),
    Search("count of a `topic`", _all(_topic, count="true")),
    Search("count of `from`", _all(_from, count="true")),
    Search("count of two middling words", _all(_words(_MIDDLING, _MIDDLING), count="true")),
)
