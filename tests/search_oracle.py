"""What a search must find, decided in Python by the words of the documentation alone."""

from __future__ import annotations

import math
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from events_microservice.models.event import Event

# As in MongoDB; two that are nearer to the rim than a metre are no matter of this oracle.
EARTH_RADIUS_KM = 6378.1

_TOPICS = ("Jazz", "música", "C++", "Straße", "Film", "ÉTÉ")
_PLACES = ("Kulturhaus, Berlin", "Plaza de Málaga", "MALAGA Centro", "Łódź Hall", "上野公園")
_ORGANIZERS = ("Ana Duarte", "ana DUARTE", "Émile  Zola", "花子", "")
_WORDS = ("night", "Open", "Ágora", "concert", "x1", "Ⅷ", "ﬁnal", "naïve", "o’clock", "été")
_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC")
_DURATIONS = (None, "PT1H", "PT4H", "PT5H", "P1D", "P3D", "P4DT1H", "P14D", "P31D")


def event(dice: random.Random) -> dict[str, Any]:
    """A valid event; there are few values, so that filters find something."""
    words = " ".join(dice.choices(_WORDS, k=3))
    day = date(2027, 3, 20) + timedelta(days=dice.randint(0, 60))
    latitude, longitude = dice.choice(((52.5, 13.4), (36.7, -4.4), (-36.8, 174.8), (0.0, 180.0)))
    return {
        "title": f"{dice.choice(_WORDS)} {dice.randint(1, 9)}",
        "description": f"An event about {words}, and so on.",
        "date": day.isoformat(),
        "time": f"{dice.randint(0, 23):02}:{dice.choice((0, 30)):02}:00",
        "place": dice.choice(_PLACES),
        "organizer": dice.choice(_ORGANIZERS),
        "topics": ", ".join(dice.sample(_TOPICS, dice.randint(0, 3))),
        "timezone": dice.choice(_ZONES),
        "duration": dice.choice(_DURATIONS),
        "location": dice.choice(
            (
                None,
                {
                    "latitude": max(-90.0, min(90.0, latitude + dice.choice((0, 0.01, 0.05, 0.3)))),
                    "longitude": min(180.0, longitude + dice.choice((0, 0.01, 0.2))),
                },
            )
        ),
    }


def fold(text: str) -> str:
    """A text without accents and case."""
    marked = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in marked if not unicodedata.combining(each)).casefold()


def words(text: str) -> set[str]:
    """The runs of letters and digits in a text."""
    return set(re.findall(r"[^\W_]+", fold(text)))


def _spaced(text: str) -> str:
    return " ".join(fold(text).split())


def _begins(found: Event, end: str) -> bool:
    """Whether an event begins in time for the upper end of a range."""
    if len(end) == len("YYYY-MM-DD"):
        return found.date <= end
    return _of(found.starts_at) <= datetime.fromisoformat(end)


def _ends(found: Event, end: str) -> bool:
    """Whether an event is not over at the lower end of a range."""
    if len(end) == len("YYYY-MM-DD"):
        return _of(found.ends_at).astimezone(ZoneInfo(found.timezone)).date().isoformat() >= end
    return _of(found.ends_at) >= datetime.fromisoformat(end)


def _of(moment: datetime | None) -> datetime:
    assert moment is not None
    return moment


def distance_km(found: Event, near: str) -> float:
    """The distance on a sphere, by the law of cosines for vectors."""
    if found.location is None:
        return math.inf
    latitude, longitude = (float(part) for part in near.split(","))
    one = _vector(latitude, longitude)
    other = _vector(found.location.latitude, found.location.longitude)
    return 2 * math.asin(min(1.0, math.dist(one, other) / 2)) * EARTH_RADIUS_KM


def _vector(latitude: float, longitude: float) -> tuple[float, float, float]:
    phi, lam = math.radians(latitude), math.radians(longitude)
    return (math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi))


def _everything(found: Event) -> str:
    texts = (found.title, found.description, found.place, found.organizer, found.topics)
    return " ".join(texts)


_FILTERS: Mapping[str, Callable[[Event, str], bool]] = {
    "topic": lambda found, value: _spaced(value) in map(_spaced, found.topics.split(",")),
    "place": lambda found, value: words(value) <= words(found.place),
    "organizer": lambda found, value: _spaced(value) == _spaced(found.organizer),
    "q": lambda found, value: words(value) <= words(_everything(found)),
    "from": _ends,
    "to": _begins,
    "updated_since": lambda found, value: _of(found.updated_at) >= datetime.fromisoformat(value),
}

_ORDERS: Mapping[str, Callable[[Event], Any]] = {
    "id": lambda found: found.id,
    "starts_at": lambda found: (found.starts_at, found.id),
    "title": lambda found: (_spaced(found.title), found.id),
    "updated_at": lambda found: (found.updated_at, found.id),
}


def expected(events: list[Event], parameters: Mapping[str, str]) -> list[str]:
    """The ids of what parameters select, in order."""
    found = [each for each in events if _fulfils(each, parameters)]
    sort = parameters.get("sort") or _natural(parameters)
    if sort == "distance":
        near = parameters["near"]
        found.sort(key=lambda each: (round(distance_km(each, near), 6), each.id))
    else:
        found.sort(key=_ORDERS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    return [each.id for each in found]


def _fulfils(found: Event, parameters: Mapping[str, str]) -> bool:
    if "near" in parameters:
        radius = float(parameters.get("radius", "10"))
        if distance_km(found, parameters["near"]) > radius:
            return False
    return all(
        _FILTERS[name](found, value) for name, value in parameters.items() if name in _FILTERS
    )


def _natural(parameters: Mapping[str, str]) -> str:
    if "from" in parameters or "to" in parameters:
        return "starts_at"
    return "distance" if "near" in parameters else "id"


def queries(dice: random.Random, moments: list[datetime]) -> Iterator[dict[str, str]]:
    """Endless queries, of every combination of filters and sorts."""
    while True:
        choices: dict[str, Callable[[], str]] = {
            "topic": lambda: dice.choice((*map(str.upper, _TOPICS), "musica", "strasse", "ete")),
            "place": lambda: dice.choice(("malaga", "BERLIN kulturhaus", "łodz", "上野公園", "de")),
            "organizer": lambda: dice.choice(("ANA duarte", "emile zola", "花子")),
            "q": lambda: dice.choice(("night", "open agora", "viii", "final", "naive x1 about")),
            "from": lambda: _end(dice, 0),
            "to": lambda: _end(dice, 62),
            "near": lambda: dice.choice(("52.5,13.4", "36.71,-4.41", "0,-179.99", "-36.8,174.8")),
            "updated_since": lambda: dice.choice(moments).isoformat(),
        }
        given = dice.sample(sorted(choices), dice.choice((0, 1, 1, 2, 2, 3, 5, 8)))
        query = {name: choices[name]() for name in given}
        if query.get("from", "") > query.get("to", "~"):
            query["from"], query["to"] = query["to"], query["from"]
        if "near" in query and dice.random() < 0.7:
            query["radius"] = dice.choice(("0.5", "3", "50", "1000"))
        if dice.random() < 0.6:
            sort = dice.choice((*_ORDERS, *(f"-{name}" for name in _ORDERS), "distance"))
            if sort != "distance" or "near" in query:
                query["sort"] = sort
        yield query


def _end(dice: random.Random, day: int) -> str:
    moment = datetime(2027, 3, 22, tzinfo=UTC) + timedelta(days=day, hours=dice.randint(-600, 600))
    if dice.random() < 0.5:
        return moment.date().isoformat()
    return moment.isoformat()
