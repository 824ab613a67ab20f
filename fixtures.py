"""Seed a service over HTTP: with varied, valid resources, or with those of an export.

python3 fixtures.py http://127.0.0.1:8000/events events
python3 fixtures.py http://127.0.0.1:8001/notifications notifications --count 1000 --seed 7
python3 fixtures.py http://127.0.0.1:8000/events events --from events.ndjson
python3 fixtures.py http://anybody:$key@127.0.0.1:8000/events events   (where an API key is needed)
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

try:
    import requests
    from tqdm import tqdm
except ModuleNotFoundError as missing:
    # Typed with the system's Python: ./invoke has put the packages into .venv.
    _python = Path(__file__).resolve().parent / ".venv" / "bin" / "python"
    if not _python.exists() or Path(sys.prefix).resolve() == _python.parent.parent:
        sys.exit(
            f"fixtures.py needs the package {missing.name}: type ./invoke run once, it installs it"
        )
    os.execv(_python, [str(_python), *sys.argv])

from development import command_line

# Longer than a service takes to create an array.
TIMEOUT_S = 40.0

_JSON = {"Content-Type": "application/json"}

# How many are created by one request.
BATCH = 250

# With this many or fewer each id is reported, with more they are counted.
_REPORTED = 20

_ACTS = (
    (
        "Jazz night",
        "jazz, music",
        "Four musicians, one small stage and a bar that stays open late.",
    ),
    (
        "Open-air cinema",
        "film, summer",
        "A classic on the big screen; bring a blanket and a friend.",
    ),
    ("Python meetup", "python, software", "Three short talks, then pizza and questions until ten."),
    ("Farmers' market", "food, local", "Bread, cheese, honey and vegetables from around the city."),
    (
        "Chess in the park",
        "chess, games",
        "Boards and clocks are there; beginners are very welcome.",
    ),
    (
        "Tango for beginners",
        "dance, tango",
        "No partner and no experience needed, only shoes that turn.",
    ),
    (
        "Night of the museums",
        "art, history",
        "Twelve houses open until two, one ticket for all of them.",
    ),
    ("Charity run", "sport, running", "Five or ten kilometres around the lake for the hospice."),
    ("Poetry slam", "poetry, stage", "Eight poets, five minutes each, and the audience decides."),
    ("Repair café", "repair, diy", "Bring what is broken; we have tools, patience and coffee."),
)
_PLACES = (
    ("Kulturhaus, Berlin", "Europe/Berlin", 52.52, 13.405),
    ("Parque del Retiro, Madrid", "Europe/Madrid", 40.4153, -3.6845),
    ("Brick Lane, London", "Europe/London", 51.5218, -0.0715),
    ("Brooklyn Public Library, New York", "America/New_York", 40.6724, -73.9682),
    ("上野公園, 東京", "Asia/Tokyo", 35.7156, 139.7745),
    ("Parque Lage, Rio de Janeiro", "America/Sao_Paulo", -22.9604, -43.2119),
)
_ORGANIZERS = (
    "Ana Duarte",
    "Bob Miller",
    "Chiara Rossi",
    "Dženana Hadžić",
    "Emil Sørensen",
    "花子",
)
_DURATIONS = ("PT1H30M", "PT2H", "PT3H", "PT6H", "P1D", None)
_REMINDERS = (
    "Please be there ten minutes early; the doors close when it starts.",
    "We saved you a seat. If you cannot come, tell us and somebody else will be glad.",
    "The weather will be fine, but take a jacket for the way home.",
    "Your ticket is the code in the confirmation; a screenshot is enough.",
)


def events(dice: random.Random) -> Iterator[dict[str, Any]]:
    """Yield events that take place within a year from today."""
    while True:
        act, topics, description = dice.choice(_ACTS)
        place, timezone, latitude, longitude = dice.choice(_PLACES)
        moment = _within_a_year(dice)
        yield {
            "title": f"{act} no. {dice.randint(1, 999)}",
            "description": description,
            "date": moment.date().isoformat(),
            "time": moment.time().isoformat(),
            "place": place,
            "organizer": dice.choice(_ORGANIZERS),
            "topics": topics,
            "timezone": timezone,
            "duration": dice.choice(_DURATIONS),
            "location": {"latitude": latitude, "longitude": longitude},
        }


def notifications(dice: random.Random) -> Iterator[dict[str, Any]]:
    """Yield reminders that are due within a year from today."""
    while True:
        act, _, description = dice.choice(_ACTS)
        yield {
            "subject": f"Reminder: {act} no. {dice.randint(1, 999)}",
            "content": f"{description}\n\n{dice.choice(_REMINDERS)}",
            "to_mail": f"guest{dice.randint(1, 9999)}@example.com",
            "scheduled_time": _within_a_year(dice).isoformat() + "Z",
        }


RESOURCES: dict[str, Callable[[random.Random], Iterator[dict[str, Any]]]] = {
    "events": events,
    "notifications": notifications,
}


def _within_a_year(dice: random.Random) -> datetime:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return today + timedelta(days=dice.randint(1, 365), minutes=15 * dice.randint(32, 92))


class Refused(Exception):
    """A service cannot be reached, or did not take a resource; the message says which."""


class Exported:
    """The resources of an export (NDJSON); of notifications, those that nobody has been sent.

    `left` counts the others, as they are passed by.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.left = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield them as they come.

        Raises:
            Refused: the file cannot be read, or a line of it is no JSON object.
        """
        try:
            with Path(self._path).open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    resource = self._read(number, line)
                    if resource.get("status", "pending") == "pending":
                        yield resource
                    else:
                        self.left += 1
        except OSError as error:
            raise Refused(f"{self._path} cannot be read: {error.strerror}") from None

    def _read(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            resource = json.loads(line)
        except ValueError:
            resource = None
        # NOTE: a last line without its end is one of an export that was cut off.
        if not isinstance(resource, dict) or not line.endswith(b"\n"):
            raise Refused(f"line {number} of {self._path} is no whole JSON object")
        return resource


def seed(url: str, resources: Iterable[dict[str, Any]]) -> Iterator[list[str]]:
    """POST resources to the collection at `url` in arrays; yield the ids of each array.

    Raises:
        Refused: not all of them could be created; of the array that was refused, none.
    """
    remaining, shown = iter(resources), _without_key(url)
    with requests.Session() as session:
        while array := list(islice(remaining, BATCH)):
            try:
                # NOTE: not `json=array`, whose escapes make three times as much of some texts.
                body = json.dumps(array, ensure_ascii=False).encode()
                answer = session.post(url, body, headers=_JSON, timeout=TIMEOUT_S)
            except requests.RequestException as error:
                raise Refused(f"{shown} cannot be reached: {_reason(error)}") from None
            if answer.status_code != requests.codes.created:
                said = answer.text[:200].replace("\n", " ")
                raise Refused(
                    f"{shown} refused a resource with status {answer.status_code}: {said}"
                )
            yield _identifiers(answer, shown, len(array))


def _identifiers(answer: requests.Response, url: str, count: int) -> list[str]:
    try:
        identifiers = [str(each["id"]) for each in answer.json()]
    except (ValueError, KeyError, TypeError):
        identifiers = []
    if len(identifiers) != count:
        raise Refused(f"{url} does not answer like EventPost")
    return identifiers


def _without_key(url: str) -> str:
    """Return a URL as it may be shown: what stands in front of its host is an API key."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _reason(error: requests.RequestException) -> str:
    """The innermost cause of a connection failure, without the names of the library's classes."""
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    return str(cause) or type(error).__name__


def _http_url(text: str) -> str:
    try:
        url = urlsplit(text)
        # NOTE: a name that no resolver would take (RFC 1035, 2.3.4) is a ValueError, too.
        host = (url.hostname or "").encode("idna")
        usable = url.scheme in ("http", "https") and host != b"" and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL like http://127.0.0.1:8000/events")
    return text


def _arguments() -> argparse.Namespace:
    parser = command_line.Parser(description="Seed a service with valid resources over HTTP.")
    parser.add_argument("url", type=_http_url, help="the collection, http://127.0.0.1:8000/events")
    parser.add_argument("resource", choices=sorted(RESOURCES), help="what to create there")
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--count", type=command_line.whole_number, default=5, help="how many (default 5)"
    )
    either.add_argument(
        "--from", dest="file", metavar="FILE", help="an export: those of NDJSON, as GET answers it"
    )
    parser.add_argument("--seed", type=int, help="the same seed gives the same on the same day")
    return parser.parse_args()


def main() -> None:
    """Seed, and report every id, or their number where they are many."""
    arguments = _arguments()
    name, count = arguments.resource, None if arguments.file else arguments.count
    exported = Exported(arguments.file) if arguments.file else None
    made = islice(RESOURCES[name](random.Random(arguments.seed)), count)
    few = count is not None and count <= _REPORTED
    created = 0
    try:
        with tqdm(total=count, unit=" resources", disable=few) as progress:
            for identifiers in seed(arguments.url, exported or made):
                created += len(identifiers)
                progress.update(len(identifiers))
                if few:
                    print("\n".join(f"created {each}" for each in identifiers))
    except Refused as refusal:
        _end(1, f"{refusal}{_so_far(created, name)}")
    except KeyboardInterrupt:
        # NOTE: the service may have created one more array, whose answer had not come yet.
        _end(command_line.INTERRUPTED, f"stopped{_so_far(created, name)}")
    if not few:
        print(f"created {created} {name}")
    if exported and exported.left:
        print(f"left {exported.left} {name} that are not pending, so that nothing is sent twice")


def _so_far(created: int, name: str) -> str:
    return f"; {created} {name} had been created" if created else ""


def _end(status: int, said: str) -> NoReturn:
    print(said, file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    command_line.run(main)
