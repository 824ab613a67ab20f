"""Where paths lead, and what their answers depend on."""

from __future__ import annotations

import pytest

from microservice_chassis.edge.accept import Offer
from microservice_chassis.edge.routes import Routes

JSON, CALENDAR = Offer("application/json"), Offer("text/calendar")
BOTH = Offer("application/json", "text/calendar")
ROUTES = Routes(
    "events",
    {
        "/events": JSON,
        "/events/{id}": BOTH,
        "/events.ics": CALENDAR,
        "/events/{id}.ics": CALENDAR,
        "/health/live": JSON,
        "/health/ready": JSON,
    },
)
ID = "65a1b2c3d4e5f60718293a4b"


@pytest.mark.parametrize(
    ("path", "template", "stamp"),
    [
        ("/events", "/events", "events"),
        ("/events/", "/events", "events"),
        ("//events", "/events", "events"),
        (f"/events/{ID}", "/events/{id}", f"events/{ID}"),
        (f"/events/{ID.upper()}", "/events/{id}", f"events/{ID}"),
        (f"/events/{ID}/", "/events/{id}", f"events/{ID}"),
        ("/events/1", "/events/{id}", None),
        (f"/events/{ID}0", "/events/{id}", None),
        (f"/events/{ID[:-1]}g", "/events/{id}", None),
        (f"///events/{ID}", "/events/{id}", f"events/{ID}"),
        ("/events//", "/events/{id}", None),
        (f"/events/{ID}//", "", None),
        (f"/events//{ID}", "", None),
        (f"/events/{ID}/more", "", None),
        ("//health/live/", "/health/live", None),
        ("/eventsx", "", None),
        ("/EVENTS", "", None),
        ("/notifications", "", None),
        ("/health/live", "/health/live", None),
        ("/health", "", None),
        ("/", "", None),
        ("", "", None),
        ("/events.ics", "/events.ics", None),
        ("/events.ics/", "/events.ics", None),
        ("/events.icsx", "", None),
        (f"/events/{ID}.ics", "/events/{id}.ics", f"events/{ID}"),
        (f"//events/{ID.upper()}.ics/", "/events/{id}.ics", f"events/{ID}"),
        ("/events/1.ics", "/events/{id}.ics", None),
        (f"/events/{ID}.ics.ics", "/events/{id}.ics", None),
        (f"/events/{ID}.ICS", "/events/{id}", None),
        ("/events/.ics", "/events/{id}", None),
        (f"/events/{ID}.ics/more", "", None),
        (f"/events/{ID}/.ics", "", None),
    ],
)
def test_a_path_has_a_template_and_a_resource_a_stamp(
    path: str, template: str, stamp: str | None
) -> None:
    route = ROUTES.match(path)
    assert (route.template, route.stamp) == (template, stamp)


def test_representations_of_an_item_share_its_stamp_and_have_keys_of_their_own() -> None:
    item, calendar = ROUTES.match(f"/events/{ID.upper()}"), ROUTES.match(f"/events/{ID}.ics")
    assert item.stamp == calendar.stamp == item.key == f"events/{ID}"
    assert calendar.key == f"events/{ID}.ics"
    assert (item.offer, calendar.offer) == (BOTH, CALENDAR)
