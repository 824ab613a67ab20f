"""Documents and values at random, as Hypothesis draws them."""

from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import strategies as st


def characters(least: int, most: int, *, allowed: str = "\t\n") -> st.SearchStrategy[str]:
    alphabet = st.characters(
        exclude_categories=["Cc", "Cs", "Zl", "Zp"], include_characters=allowed
    )
    return st.text(alphabet, min_size=least, max_size=most)


EVENT_DOCUMENTS = st.fixed_dictionaries(
    {
        "title": characters(1, 60),
        "description": characters(20, 400),
        "date": st.dates().map(lambda value: value.isoformat()),
        "time": st.times().map(lambda value: value.isoformat("seconds")),
    },
    optional={
        "place": characters(0, 100),
        "organizer": characters(0, 50),
        "topics": characters(0, 50),
        "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
        "duration": st.none()
        | st.timedeltas(timedelta(0), timedelta(days=31)).map(
            lambda value: f"P{value.days}DT{value.seconds}.{value.microseconds:06}S"
        ),
        "location": st.none()
        | st.fixed_dictionaries(
            {"latitude": st.floats(-90, 90), "longitude": st.floats(-180, 180)}
        ),
    },
)
NOTIFICATION_DOCUMENTS = st.fixed_dictionaries(
    {
        "subject": characters(10, 70, allowed=""),
        "content": characters(30, 700),
        "to_mail": st.from_regex(r"[a-z]{1,20}@[a-z]{1,20}\.(de|com)", fullmatch=True),
        "scheduled_time": st.datetimes().map(lambda value: value.isoformat()),
    }
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    # NOTE: larger ones take most of a test's time, and no rule looks at their size.
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@st.composite
def json_texts(draw: st.DrawFn) -> bytes:
    """JSON objects as bytes, one of which may be another, or may be missing."""
    text = bytearray(json.dumps(draw(st.dictionaries(st.text(), JSON))).encode())
    place = draw(st.integers(0, len(text) - 1))
    text[place : place + 1] = draw(st.binary(max_size=2) | st.sampled_from([b"1e400", b"\\ud800"]))
    return bytes(text)
