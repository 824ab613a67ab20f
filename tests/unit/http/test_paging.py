from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from microservice_chassis.http.paging import link_to_next


def test_a_link_asks_for_what_was_asked_for_behind_the_cursor() -> None:
    asked = {"q": "Málaga & more", "from": "2027-05-01T10:00:00+02:00", "cursor": "before"}
    link = link_to_next("/events", asked, 7, "opaque")
    target, _, rest = link.removeprefix("<").partition(">")
    assert rest == '; rel="next"'
    assert urlsplit(target).path == "/events"
    assert dict(parse_qsl(urlsplit(target).query)) == {**asked, "limit": "7", "cursor": "opaque"}
    assert target.isascii()
    assert " " not in target
